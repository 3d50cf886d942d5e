/*
 * saved.h - what is known of a socket while its client is away: who it is, and what its features had saved of it.
 *
 * A feature with something to save has a field here and in recovery_record of proto/gateway.def.
 */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/base/id.h"
#include "libshared/base/str.h"

/* Where a subscription begins.  room_no: the subscriber's own number for the room, never used again, of which its offsets speak;
 * the first message that it hears has start_seq + 1. */
struct room_start {
    struct id room;
    uint32_t room_no;
    int64_t start_seq;
};

/* What chat said of a member, and rooms_membership_stamp() when it was asked.  They hear what was stored after `reads_after`; 0: all. */
struct membership {
    uint64_t stamp;
    int64_t reads_after;
};

struct record {
    struct str nsp, subject;
    struct str sid; /* NUL-terminated when it was read */
    char epoch;
    uint32_t next_room_no;
    /* Missed messages were sent after this record was made, before the CONNECT.  If the client comes back with no progress, they are
     * not sent again: they may lie in its buffer. */
    bool replayed;
    struct room_start *rooms; /* ascending, below next_room_no, each room once */
    size_t n;
    const struct str *names; /* of rooms that back ends put it into */
    size_t n_names;
    /* Not in Redis, of each room number: up to where messages were sent before the CONNECT, and what chat said. */
    const int64_t *sent;
    const struct membership *memberships;
};
