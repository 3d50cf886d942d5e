#!/bin/bash
# docs-names - each function and each file that the documentation names is there: a tour of streets that were renamed leads nowhere.
bad=0
docs=$(git ls-files '*.md' | grep -vE '^(CHANGELOG\.md|docs/why/|tests/fuzz/)')
code=$(mktemp)
trap 'rm -f "$code"' EXIT
git grep -hoE '\b[a-z_0-9]+ ?\(' -- '*.c' '*.h' '*.def' | tr -d ' (' | sort -u >"$code"
while IFS=: read -r file line name; do
    grep -qx "$name" "$code" || { echo "$file:$line: there is no $name()"; bad=1; }
done < <(grep -noHE '`[a-z_0-9]+\(\)' $docs | tr -d '`()' | grep -vE '^docs/HACKING.md:[0-9]+:(room_rename|noun_verb)$|:noun_verb$')     # examples, and a pattern
while IFS=: read -r file line path; do
    [ -e "$path" ] || [ -e "services/gateway/$path" ] || { echo "$file:$line: there is no $path"; bad=1; }
done < <(grep -noHE '`((services|libshared|proto|scripts|tests|rooms|recovery|identity|rates|mesh|engineio|socketio|routes|interop)/[a-z_0-9/]+\.[a-z]+)`' $docs |
    tr -d '`' | grep -vE '/(room_rename\.c|company\.[ch]|picture_create\.c)$')      # HACKING.md's examples
exit $bad
