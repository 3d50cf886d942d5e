#!/bin/bash
# migrations-forward - numbered from 0001 without a gap; that none is edited, a service checks at its start (libshared/db/migrate.c).
bad=0
for d in migrations/*/; do
    n=0
    for f in "$d"*.sql; do
        n=$((n + 1))
        case $(basename "$f") in $(printf '%04d' $n)_*.sql) ;; *) echo "$f: expected number $(printf '%04d' $n)"; bad=1 ;; esac
    done
done
exit $bad
