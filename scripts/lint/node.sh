#!/bin/bash
# node - the Node of a bare Debian, 18, knows all that tests, scripts, the SDK and the programs in the docs use of it.
files=$(git ls-files '*.mjs' '*.js' README.md 'docs/*.md' ':!docs/why' ':!services/gateway/site/front')    # that is for browsers
newer='(^|[^.A-Za-z])crypto\.(randomUUID|subtle|getRandomValues)|getSetCookie|Promise\.withResolvers|Array\.fromAsync|import\.meta\.(dirname|filename)|\.to(Sorted|Reversed|Spliced)\(|(Object|Map)\.groupBy|AbortSignal\.any|isWellFormed'
hits=$(grep -nE "$newer" $files || true)
[ -z "$hits" ] || { echo "Node 18 of Debian does not have this (crypto: import it from node:crypto):"; echo "$hits"; exit 1; }
