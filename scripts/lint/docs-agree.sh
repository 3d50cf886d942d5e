#!/bin/sh
# docs-agree - what is printed from the tables is what is committed, and the rows and lines that HACKING.md adds or shows are there.
make --no-print-directory build >/dev/null || exit 1
new=$(mktemp -d)
trap 'rm -rf "$new"' EXIT
scripts/docs "$new" || exit 1
bad=0
for f in $(cd "$new" && find . -type f); do
    case $f in ./.env.example | ./compose.yaml) there=$f ;; *) there=docs/$f ;; esac
    diff -u "$there" "$new/$f" >/dev/null 2>&1 || { echo "$there differs from its tables: run make docs"; bad=1; }
done
awk '/^```diff$/ { shown = 1; next } /^```$/ { shown = 0 } shown' docs/HACKING.md | git apply --check --unidiff-zero - ||
    { echo "docs/HACKING.md: its diffs do not apply any more"; bad=1; }
# Rows that HACKING.md shows as they stand, `"..."` for what they say of themselves.
rows=$(cat proto/*.def services/gateway/features.def | tr -s ' ')
awk '/^```c$/ { c = 1; next } /^```$/ { c = 0 } c && /^(ROUTE|COOKIE|JOB)\(/' docs/HACKING.md | tr -s ' ' |
    sed 's/"[^"]*\.\.\.")$//' >"$new/shown"
while IFS= read -r row; do
    printf '%s\n' "$rows" | grep -qF -- "$row" || { echo "docs/HACKING.md: there is no row $row"; bad=1; }
done <"$new/shown"
# Lines that it shows of a file, below a comment with the file's path; `...` for what it leaves out.
awk '/^```/ { file = "" } /^\/\* (services|libshared)\/[^ ]+ \*\/$/ { file = $2; next }
     file != "" && NF && !/^ *\.\.\.$/ { sub(/^ +/, ""); print file "\t" $0 }' docs/HACKING.md >"$new/lines"
while IFS='	' read -r file line; do
    grep -qF -- "$line" "$file" || { echo "docs/HACKING.md: in $file there is no: $line"; bad=1; }
done <"$new/lines"
exit $bad
