/* message_packet.c - an entry of a log as the Socket.IO packet that every local socket gets: made once, sent by reference. */
// SPDX-License-Identifier: Apache-2.0
#include <assert.h>

#include "libshared/wire/event_names.h"
#include "services/gateway/rooms/rooms_private.h"

#define MESSAGE_BYTES_MAX (1u << 20) /* 10,000 characters, each at most 12 bytes of JSON, and the meta */

/* A kind that this gateway does not know yet is an entry, too. */
static const char *event_of(const struct message *message)
{
    static const struct {
        const char *kind, *heard;
    } rows[] = {
/* clang-format off */
#define ENTRY(kind, name, about, heard, unread, effect, doc) { name, heard },
#include "proto/begin.def"
#include "proto/entries.def"
#include "proto/end.def"
        /* clang-format on */
    };

    if (message->kind.len == 0) return "message";
    for (size_t i = 0; i < COUNT(rows); i++)
        if (str_is(message->kind, rows[i].kind)) return rows[i].heard;
    return "entry";
}

struct eio_packet *message_packet(const struct message *message)
{
    struct buf json = BUF(MESSAGE_BYTES_MAX);
    enum err e = wire_write_json(message_shape(), message, &json);

    assert(e == OK && !json.over);
    struct eio_packet *packet = sio_packet_event(rooms_namespace(), event_of(message), buf_str(&json));
    buf_free(&json);
    return packet;
}
