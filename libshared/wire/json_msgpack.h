/* json_msgpack.h - any JSON value as msgpack, in one pass over the text. */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/wire/json.h"

/* Whole numbers of 64 bits are integers, all others doubles; each head is the shortest.  With n > 0 an object
 * {"_placeholder":true,"num":N}, as Socket.IO has it, becomes the bytes of parts[N].  false: malformed, or a placeholder
 * that names no part; `out` is then of no use. */
bool json_to_msgpack(struct json_in *in, struct buf *out, const struct str *parts, unsigned n);
/* Bytes of msgpack that so many bytes of JSON can become, at the most, without the parts. */
size_t json_msgpack_bound(size_t bytes);
