#!/bin/sh
# shell - scripts parse, and say at their top what they do.
bad=0
for f in $(git ls-files scripts tests .ci | xargs grep -lE '^#!/bin/(ba)?sh'); do
    case $(head -n 1 "$f") in *bash*) bash -n "$f" || bad=1 ;; *) sh -n "$f" || bad=1 ;; esac
    sed -n 2p "$f" | grep -q '^# ' || { echo "$f: line two should say what it does"; bad=1; }
done
exit $bad
