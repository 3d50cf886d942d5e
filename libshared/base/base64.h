/* base64.h - RFC 4648: the standard alphabet (section 4), and the one of URLs (section 5). */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/base/str.h"

/* Characters without a NUL; padded. */
size_t base64_length(size_t bytes);
void base64_encode(char *out, struct str from);
/* Padding optional.  false: it is none.  `out` has room for 3/4 of the characters, rounded up to three bytes. */
bool base64_decode(struct str from, unsigned char *out, size_t *len);
/* The alphabet of URLs, without padding, a NUL behind: (4 * len + 2) / 3 characters. */
void base64url_encode(const unsigned char *from, size_t len, char *out);
/* As that writes it: no other text stands for the same bytes.  Nothing at all is none. */
bool base64url_is_canonical(struct str from);
/* Of a canonical text: 3/4 of its characters.  Returns how many bytes. */
size_t base64url_decode(struct str from, unsigned char *out);
