/* message_packet.c - a message as the Socket.IO packet that every local socket gets: made once, sent by reference. */
// SPDX-License-Identifier: Apache-2.0
#include <assert.h>

#include "services/gateway/rooms/rooms_private.h"

#define MESSAGE_BYTES_MAX (1u << 20) /* 10,000 characters, each at most 12 bytes of JSON, and the meta */

struct eio_packet *message_packet(const struct message *message)
{
    struct buf json = BUF(MESSAGE_BYTES_MAX);
    enum err e = wire_write_json(message_shape(), message, &json);

    assert(e == OK && !json.over);
    struct eio_packet *packet = sio_packet_event(STR(ROOMS_NAMESPACE), "message", buf_str(&json));
    buf_free(&json);
    return packet;
}
