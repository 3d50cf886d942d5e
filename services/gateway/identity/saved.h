/*
 * saved.h - what is known of a socket while its client is away: who it is, and what its features had saved of it.
 *
 * A feature with something to save has a field here and in recovery_record of proto/gateway.def.
 */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/base/id.h"
#include "libshared/base/str.h"

/* A subscription as offsets know it: by a room number of the subscriber's own, never used again, and from where on it hears. */
struct room_start {
    struct id room;
    uint32_t room_no;
    int64_t start_seq;
};

struct record {
    struct str nsp, subject;
    struct str sid; /* NUL-terminated when it was read */
    char epoch;
    uint32_t next_room_no;
    bool
        replayed; /* what lies behind the starts was sent once, before the CONNECT; nothing came from the client since */
    struct room_start *rooms; /* ascending, below next_room_no, each room once */
    size_t n;
    const struct str *names; /* of rooms that back ends put it into */
    size_t n_names;
    /* Not in Redis, of each room number: up to where messages were sent before the CONNECT, and rooms_membership_stamp() when
     * chat was asked. */
    const int64_t *sent;
    const uint64_t *membership_stamps;
};
