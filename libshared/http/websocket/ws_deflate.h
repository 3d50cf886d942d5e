/*
 * ws_deflate.h - permessage-deflate (RFC 7692) without context takeover: every message stands for itself, so that no
 * connection holds a compressor's memory.
 */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/base/buf.h"

#define WS_DEFLATE_ANSWER                                                                                              \
    "Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover; client_no_context_takeover\r\n"
/* Smaller messages do not gain. */
#define WS_DEFLATE_LEAST 512

/* Is there an offer whose every parameter we can keep? */
bool ws_deflate_is_offered(struct str extensions);
/* Appends the message; false: it is no deflate stream, or `out` is over its bound. */
bool ws_inflate(struct str in, struct buf *out);
void ws_deflate(struct str in, struct buf *out);
