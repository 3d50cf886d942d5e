#!/bin/bash
# one-name - one struct, enum or union of a name, records of proto/ included: a debugger and a back trace know them by nothing else.
{
    git grep -nE '^ *(static |typedef )?(const )?(struct|enum|union) [a-z_0-9]+ \{' -- 'libshared/*.[ch]' 'services/*.[ch]' 'tests/service/*.h' 'tests/unit/*.h' |
        sed -E 's/^([^:]+:[0-9]+): *(static |typedef )?(const )?(struct|enum|union) ([a-z_0-9]+) \{.*/\5 \1/'
    git grep -nE '^RECORD\(' -- 'proto/*.def' | sed -E 's/^([^:]+:[0-9]+):RECORD\(([a-z_0-9]+).*/\2 \1/'
} | sort | awk '$1 == name { if (!told) print name ":", where; print name ":", $2; told = bad = 1; next } { name = $1; where = $2; told = 0 } END { exit bad }'
