#!/bin/sh
# expectations - each row that clients meet says in tests/matrix what every kind of caller gets, and nothing is expected of rows that are not there.
make --no-print-directory build/bin/protodoc >/dev/null || exit 1
node tests/matrix/rows.mjs
