#!/bin/bash
# format - nobody discusses layout: clang-format decides, .def tables and marked tables excepted.  And it is sizeof x and sizeof(type).
bad=0
git ls-files '*.c' '*.h' | xargs clang-format --dry-run -Werror 2>&1 || bad=1
hits=$(git grep -nE '\bsizeof ?\([*&]*[a-z_][a-z_0-9]*((->|\.)[a-z_0-9]+|\[[^]]*\])*\)([^.([-]|$)' -- '*.c' '*.h' |
    grep -vE '#define|sizeof\((unsigned|char|int|long|bool|[a-z0-9_]+_t|type|self|byte_group|msgpack_object)\)' || true)
[ -z "$hits" ] || { echo 'sizeof of what is no type stands without parentheses:'; echo "$hits"; bad=1; }
exit $bad
