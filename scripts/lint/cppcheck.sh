#!/bin/sh
# cppcheck - a third reader beside the two compilers; what it can't know is named here: uthash's loops look
# uninitialized to it, and rows of a table like a syntax error.
git ls-files 'libshared/*.c' 'services/*.c' | xargs cppcheck --quiet --std=c11 --inline-suppr --error-exitcode=1 \
    --enable=warning,portability -I. -Ibuild --suppress=missingIncludeSystem --suppress=uninitvar --suppress=internalAstError --suppress=unknownMacro --suppress=preprocessorErrorDirective \
    --suppress=syntaxError --suppress=normalCheckLevelMaxBranches -j 2 2>&1
