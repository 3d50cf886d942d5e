#!/bin/sh
# arenas - each arena says, in the line before it is made, which bound keeps it within its cap.
bad=$(git ls-files 'libshared/*.c' 'services/*.c' | grep -v '^libshared/base/arena.c$' | xargs awk '
    /arena_create\(/ && before !~ /\/\* bound: .* \*\// { print FILENAME ":" FNR ": which bound keeps it? /* bound: ... */" }
    { before = $0 }')
[ -z "$bad" ] || { echo "$bad"; exit 1; }
