#!/bin/sh
# headers - each header compiles alone, so that include order never matters.
bad=0
for h in $(git ls-files 'libshared/*.h' 'services/*.h'); do
    printf '#include "%s"\n' "$h" | gcc -std=c17 -D_GNU_SOURCE -Wall -Wextra -Werror -fsyntax-only -I. -Ibuild \
        $(pkg-config --cflags libczmq libwebsockets libpq msgpack hiredis jansson) -x c - || bad=1
done
exit $bad
