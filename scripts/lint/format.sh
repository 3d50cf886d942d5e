#!/bin/sh
# format - nobody discusses layout: clang-format decides, .def tables and marked tables excepted.
git ls-files '*.c' '*.h' | xargs clang-format --dry-run -Werror 2>&1
