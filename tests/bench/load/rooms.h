/*
 * rooms.h - who must hear what, and who has.
 *
 * Room r has one sender, which numbers its messages 0, 1, 2, ... and writes "~r.n~" at the head
 * of each body, and `members` listeners. So a listener knows a message that it heard before,
 * one that is not for it, and what it has missed; the server's own sequence must grow.
 */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tests/bench/load/tally.h"

struct room {
    const char *id;
    uint32_t sent, acked, refused;
    uint32_t capacity;
    int64_t *sent_us; /* of each message */
    uint32_t *heard;  /* by how many members */
};

struct member {
    int64_t last_seq;
    uint32_t capacity; /* in messages, a multiple of 64 */
    uint64_t *seen;    /* a bit for each message */
};

struct rooms_counts {
    uint64_t sent, acked, refused, heard, complete;
    uint64_t duplicate, out_of_order, strayed, unreadable;
    struct tally ack_us, complete_us;
};

struct rooms {
    size_t room_count, members; /* members of each room */
    struct room *room;
    struct member *member; /* room_count * members of them, by room */
    struct rooms_counts counts;
};

void rooms_create(struct rooms *rooms, char **ids, size_t room_count, size_t members);
void rooms_destroy(struct rooms *rooms);

/* The room's next message as a packet in `out`, or 0 for want of space. */
size_t rooms_compose(struct rooms *rooms, size_t room, size_t body_bytes, char *out, size_t size);

/* The server's answer to message n: whether it was a sequence, that is, no refusal. */
bool rooms_acked(struct rooms *rooms, size_t room, uint64_t n, const char *text, size_t len);

/* A member's event: whether by it a message has been heard by all. */
bool rooms_heard(struct rooms *rooms, size_t member, const char *text, size_t len);

/* Deliveries that are due and have not been made. */
uint64_t rooms_missing(const struct rooms *rooms);
