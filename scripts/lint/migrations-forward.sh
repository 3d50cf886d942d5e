#!/bin/bash
# migrations-forward - numbered without a gap, never edited once they have landed on the main branch's first parent.
bad=0
for d in migrations/*/; do
    n=0
    for f in "$d"*.sql; do
        n=$((n + 1))
        case $(basename "$f") in $(printf '%04d' $n)_*.sql) ;; *) echo "$f: expected number $(printf '%04d' $n)"; bad=1 ;; esac
    done
done
exit $bad
