/* room_read.h - reading one room and its members from the database, by a worker, for the loop. */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/rpc/rpc_server.h"
#include "services/chat/members.h"

struct room_read {
    struct id room;
    bool exists;
    int64_t version;
    struct members *members; /* of this very version; whoever wants to keep them leaves NULL */
    void (*done)(struct room_read *read, enum err e);
    void *arg;
    struct rpc_server *server;
};

/* `done` comes later, on the loop, once; what it is given lives during the call.  `subject`: who wants it.  false: too many wait for a worker. */
bool room_read_begin(struct rpc_server *server, struct str subject, struct id room,
    void (*done)(struct room_read *, enum err), void *arg) MUST_CHECK;
