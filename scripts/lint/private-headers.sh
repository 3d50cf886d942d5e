#!/bin/bash
# private-headers - what only the files of one folder share is in <module>_private.h, so that an #include shows who may have it.
bad=0
while IFS=: read -r file line include; do
    header=$(sed 's/.*"\(.*\)".*/\1/' <<<"$include")
    [ "$(dirname "$header")" = "$(dirname "$file")" ] || { echo "$file:$line: $header is private to its folder"; bad=1; }
done < <(git grep -nE '^#include ".*_private\.h"' -- libshared services)
for header in $(git ls-files 'libshared/*.h' 'services/*.h' | grep -E '(^|/|_)(inside|internal|priv|impl)\.h$'); do
    echo "$header: such headers are called <module>_private.h"; bad=1
done
for header in $(git ls-files 'libshared/*.h' 'services/*.h' | grep -vE '_private\.h$|^services/([a-z]+)/\1\.h$|/protodoc/protodoc\.h$'); do
    head -n 4 "$header" | grep -qE 'what (the )?files of .* share|nobody else includes it' && { echo "$header: is private and not called so"; bad=1; }
done
exit $bad
