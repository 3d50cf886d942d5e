/* codec_msgpack.h - packets of socket.io-msgpack-parser as text and attachments, and back. */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "services/gateway/socketio/msgpack_json.h"

/* bytes -> text that sio_packet_read() may still refuse, and its attachments.  false: no packet. */
bool msgpack_packet_to_text(struct str bytes, struct buf *out, struct json_parts *parts);
/* A packet of ours; the other way. */
bool msgpack_packet_from_text(struct str text, const struct str *parts, unsigned n, struct buf *out);
size_t msgpack_packet_bound(size_t text_bytes); /* bytes that it can become, at the most, without the attachments */
