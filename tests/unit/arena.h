/* arena.h - one arena for all tests of a program, and bytes written down in hex. */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "libshared/base/arena.h"

extern struct arena *arena;

int make_arena(void **state);
int drop_arena(void **state);
struct str bytes_of(const char *hex);
