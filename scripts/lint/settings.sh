#!/bin/bash
# settings - a process reads its settings in main.c and hands them down: a module that reads a global is no library, and its
# tests would change what other tests see.
reads=$(grep -rnE '(^|[^A-Za-z0-9_>./])&?settings(\.[a-z]|[,)])' libshared services --include='*.[ch]' |
    grep -vE '^(libshared/service|services/tools)/|^services/auth/authctl/ask\.c:|^services/[a-z]+/main\.c:|: *(\*|/\*|//|#include)|struct settings \*settings' || true)
writes=$(grep -rnE '(^|[^A-Za-z0-9_>./])settings(\.[a-z_]+)* *=[^=]' tests --include='*.[ch]' || true)
[ -z "$reads" ] || { echo "only main.c reads the settings; give the module a config:"; echo "$reads"; }
[ -z "$writes" ] || { echo "a test makes a config of its own, and changes no global:"; echo "$writes"; }
[ -z "$reads$writes" ]
