/* message_packet.c - an entry of a log as the Socket.IO packet that every local socket gets: made once, sent by reference. */
// SPDX-License-Identifier: Apache-2.0
#include <assert.h>

#include "libshared/rpc/room_rights.h"
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

static struct eio_packet *message_packet(const struct message *message)
{
    struct buf json = BUF(MESSAGE_BYTES_MAX);
    enum err e = wire_write_json(message_shape(), message, &json);

    assert(e == OK && !json.over);
    struct eio_packet *packet = sio_packet_event(rooms_namespace(), event_of(message), buf_str(&json));
    buf_free(&json);
    return packet;
}

static bool hides_something(const struct message *entry)
{
    return entry->target > 0 && (entry->body.len > 0 || entry->attachments.len > 0);
}

/* Its place in the log stays, so that who hears it sees no hole there. */
static struct eio_packet *blind_packet(const struct message *entry)
{
    struct message blind = *entry;

    blind.body = STR("");
    blind.attachments = (struct id_list){ NULL, 0 };
    return message_packet(&blind);
}

struct eio_packet *message_packet_for(const struct message *entry, int64_t reads_after)
{
    bool is_blind = hides_something(entry) && !history_reads(reads_after, entry->target_at);

    return is_blind ? blind_packet(entry) : message_packet(entry);
}

struct entry_packets entry_packets_make(const struct message *entry)
{
    struct eio_packet *packet = message_packet(entry);

    return (struct entry_packets){ .seq = entry->seq,
        .at = entry->at,
        .target_at = entry->target_at,
        .packet = packet,
        .blind = hides_something(entry) ? blind_packet(entry) : eio_packet_take(packet) };
}

void entry_packets_drop(const struct entry_packets *entry)
{
    eio_packet_drop(entry->packet);
    eio_packet_drop(entry->blind);
}
