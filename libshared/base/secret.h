/* secret.h - random bytes, comparison in constant time, and forgetting. */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/base/str.h"

void secret_random(void *out, size_t len); /* from the kernel; ends the process if it has none */
bool secret_eq(const void *a, const void *b, size_t len);
void secret_wipe(void *at, size_t len);
/* Could secret_text() have made this, of so many characters? */
bool secret_is_text(struct str text, size_t chars);
void secret_text(char *out, size_t chars); /* `chars` random characters of [A-Za-z0-9_-] and a NUL */
