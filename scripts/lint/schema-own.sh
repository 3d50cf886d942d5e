#!/bin/bash
# schema-own - SQL names no schema but its service's own; the database roles enforce it, this says so earlier.
bad=0
services=$(scripts/services)
for s in $services; do
    for other in $services; do
        [ "$s" = "$other" ] && continue
        hits=$(grep -nE "(FROM|JOIN|INTO|UPDATE|TABLE|ON|REFERENCES) +$other\\." -r "services/$s" "migrations/$s" || true)
        [ -z "$hits" ] || { echo "$hits"; bad=1; }
    done
done
exit $bad
