#!/bin/bash
# files - line one of every C file says what it is, line two its licence; no file of ours is unfinished.
bad=0
for f in $(git ls-files 'libshared/*.[ch]' 'services/*.[ch]' 'tests/*.c'); do
    head -n 40 "$f" | grep -q 'SPDX-License-Identifier: Apache-2.0' || { echo "$f: no SPDX line"; bad=1; }
    head -n 2 "$f" | grep -q "$(basename "$f" | sed 's/\.[ch]$//')" || { echo "$f: its first lines do not say what it is"; bad=1; }
done
hits=$(git ls-files | grep -vE '^(scripts/lint/files.sh|.*package-lock.json)$' | xargs grep -nE 'TODO|FIXME|HACK[^I]' -- 2>/dev/null || true)
[ -z "$hits" ] || { echo "unfinished:"; echo "$hits"; bad=1; }
exit $bad
