#!/bin/sh
# docs-agree - what is printed from the tables is what is committed, and the rows that HACKING.md adds fit where it says.
make --no-print-directory build >/dev/null || exit 1
new=$(mktemp -d)
trap 'rm -rf "$new"' EXIT
scripts/docs "$new" || exit 1
bad=0
for f in $(cd "$new" && find . -type f); do
    case $f in ./.env.example | ./compose.yaml) there=$f ;; *) there=docs/$f ;; esac
    diff -u "$there" "$new/$f" >/dev/null 2>&1 || { echo "$there differs from its tables: run make docs"; bad=1; }
done
awk '/^```diff$/ { shown = ++n == 1; next } /^```$/ { shown = 0 } shown' docs/HACKING.md | git apply --check - ||
    { echo "docs/HACKING.md: the first diff does not apply to proto/ any more"; bad=1; }
exit $bad
