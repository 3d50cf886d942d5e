/* codec.h - polling bodies: packets joined by 0x1e, binary in base64. */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/base/buf.h"

#define PACKET_SEPARATOR '\x1e'

/* Characters without a NUL; padded. */
size_t base64_length(size_t bytes);
void base64_encode(char *out, struct str from);
/* Standard alphabet, padding optional.  false: it is none.  `out` has room for 3/4 of the characters, rounded up to
 * three bytes. */
bool base64_decode(struct str from, unsigned char *out, size_t *len);

/* The next packet of a body; false: there are no more.  An empty one is given out as such: it is not legal. */
struct payload {
    struct str rest;
    bool done;
};
struct payload payload_begin(struct str body);
bool payload_next(struct payload *payload, struct str *packet);
