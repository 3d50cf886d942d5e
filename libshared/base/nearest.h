/* nearest.h - the name that somebody perhaps meant. */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/base/str.h"

#define NEAREST_BYTES_MAX 64 /* longer names are near to nothing */

/* The nearest of the names, by letters that are missing, too many, others or in the wrong order: two of them, one in
 * short names.  STR_NONE: none is so near. */
struct str nearest_of(struct str wanted, const struct str *names, size_t n);
