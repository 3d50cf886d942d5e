#!/bin/bash
# jobs - a service with JOB rows has the one table of jobs, and the methods with which an operator looks after it; and each
# directory of users is the same table.
bad=0
for def in $(grep -lE '^JOB\(' proto/*.def); do
    s=$(basename "$def" .def)
    cmp -s migrations/auth/0005_jobs.sql migrations/"$s"/[0-9]*_jobs.sql ||
        { echo "$s: wants a migrations/$s/NNNN_jobs.sql that is a copy of migrations/auth/0005_jobs.sql"; bad=1; }
    for verb in list retry drop; do
        grep -qE "^METHOD\(job, +$verb," "$def" || { echo "$def: METHOD(job, $verb, ...) is missing"; bad=1; }
    done
done
for s in $(grep -l directory_create services/*/main.c); do
    s=$(basename "$(dirname "$s")")
    cmp -s migrations/chat/[0-9]*_directory.sql migrations/"$s"/[0-9]*_directory.sql ||
        { echo "$s: wants a migrations/$s/NNNN_directory.sql that is a copy of chat's"; bad=1; }
done
exit $bad
