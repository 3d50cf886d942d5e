/* msgpack_out.h - JSON text that the gateway has read or made, as msgpack. */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/base/buf.h"

/* One JSON value, valid to its end; escapes that name half a character become U+FFFD.  With n > 0 its placeholders
 * become the binaries that they name.  false: not that, or nested too deep; `out` is then of no use. */
bool msgpack_put_json(struct buf *out, struct str json, const struct str *parts, unsigned n);
/* Bytes of msgpack that so many bytes of JSON can become, at the most, without the binaries. */
size_t msgpack_put_bound(size_t bytes);

void msgpack_put_text(struct buf *out, struct str text);
void msgpack_put_uint(struct buf *out, uint64_t n);
void msgpack_put_map(struct buf *out, uint32_t pairs);
