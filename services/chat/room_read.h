/* room_read.h - reading one room and its members from the database, by a worker, for the loop. */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/rpc/rpc_server.h"

struct member_row {
    int64_t version;
    struct str subject, role;
};
struct member_row_list {
    struct member_row *at;
    size_t len;
};

/* No rows: no such room.  Each says the room's version; a room without members has one row without subject. */
struct room_read {
    struct id room;
    struct member_row_list rows;
    void (*done)(struct room_read *read, enum err e);
    void *arg;
    struct rpc_server *server;
};

/* `done` comes later, on the loop, once; what it is given lives during the call.  `subject`: who wants it.  false: too many wait for a worker. */
bool room_read_begin(struct rpc_server *server, struct str subject, struct id room,
    void (*done)(struct room_read *, enum err), void *arg) MUST_CHECK;
