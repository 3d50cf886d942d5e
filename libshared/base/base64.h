/* base64.h - the standard alphabet, RFC 4648 section 4. */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/base/str.h"

/* Characters without a NUL; padded. */
size_t base64_length(size_t bytes);
void base64_encode(char *out, struct str from);
/* Padding optional.  false: it is none.  `out` has room for 3/4 of the characters, rounded up to three bytes. */
bool base64_decode(struct str from, unsigned char *out, size_t *len);
