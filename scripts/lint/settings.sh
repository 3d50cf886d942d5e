#!/bin/bash
# settings - a process has its settings in main.c and hands them down: a module that reads a global is no library, and its
# tests would change what other tests see.
objects=$(grep -rnE '^(static |extern )?struct settings [a-z_]+( =.*)?;' libshared services --include='*.[ch]' |
    grep -vE '^(libshared/cli/ask\.c|services/(tools/rpc\.c|[a-z]+/main\.c)):[0-9]+:static ' || true)
writes=$(grep -rnE '(^|[^A-Za-z0-9_>./])settings(\.[a-z_]+)* *=[^=]' tests --include='*.[ch]' || true)
[ -z "$objects" ] || { echo "only main.c has the settings; give the module a config:"; echo "$objects"; }
[ -z "$writes" ] || { echo "a test makes a config of its own:"; echo "$writes"; }
[ -z "$objects$writes" ]
