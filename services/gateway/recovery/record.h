/*
 * record.h - what is known of a socket while its client is away: who it is, and where it sits.
 *
 * How far it has heard is not here but in the client's own offset.  So this changes only when a room is joined or left,
 * and a gateway that is killed takes nothing with it.
 */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "services/gateway/rooms/halls.h"

#define RECORD_NAMES_BYTES_MAX (32u << 10)
#define RECORD_BYTES_MAX       (320u << 10) /* 1,000 rooms, and names that need six characters for each */

struct record {
    struct str nsp, subject;
    struct str sid;
    char epoch;
    uint32_t next_mark;
    bool
        replayed; /* what lies behind the bases was sent once, before the CONNECT; nothing came from the client since */
    struct guest_mark *marks; /* ascending */
    size_t n;
    const struct str *names; /* of rooms that back ends put it into */
    size_t n_names;
};

size_t record_names_bytes(const struct str *names, size_t n); /* to be held against RECORD_NAMES_BYTES_MAX */
/* Puts a socket that is taken up again into its rooms by name. */
typedef void record_put_back_fn(void *arg, struct sio_socket *socket, const struct str *names, size_t n);

/* Whoever says good-bye does not come back; who was lost for any other reason may. */
bool record_is_over(const char *reason);

void record_write(const struct record *record, struct buf *out);
bool record_read(struct str text, struct arena *arena, struct record *out); /* false: none of ours */
