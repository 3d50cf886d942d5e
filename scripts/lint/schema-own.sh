#!/bin/bash
# schema-own - SQL names no schema but its service's own; the database roles enforce it, this says so earlier.
bad=0
for s in auth chat store share; do
    for other in auth chat store share; do
        [ "$s" = "$other" ] && continue
        hits=$(grep -nE "(FROM|JOIN|INTO|UPDATE|TABLE|ON|REFERENCES) +$other\\." -r "services/$s" "migrations/$s" || true)
        [ -z "$hits" ] || { echo "$hits"; bad=1; }
    done
done
exit $bad
