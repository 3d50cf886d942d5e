#!/bin/bash
# test-headers - what tests share is declared in a header and defined in its .c: one of each, and no program carries what it doesn't call.
! git grep -nE '^([A-Za-z_]+(\(\([a-z]+\)\))? )?static (inline )?' -- 'tests/*.h' | grep -vE 'static const '
