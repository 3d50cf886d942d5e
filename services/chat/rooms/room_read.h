/* room_read.h - reading one room and its members from the database, by a worker, for the loop. */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/rpc/rpc_server.h"
#include "services/chat/members/members.h"

struct room_read {
    struct id room;
    struct str only;   /* this subject; STR_NONE: all members, */
    size_t most_bytes; /* unless they take more than this: then none */
    bool exists;
    int64_t version;
    struct members *members; /* of this very version; whoever wants to keep them leaves NULL */
    void (*done)(struct room_read *read, enum err e);
    void *arg;
    struct rpc_server *server;
};

/* `done` comes later, on the loop, once; what it is given lives during the call.  `subject`: who wants it.  `what`: the room, what is
 * wanted of it, done and arg.  false: too many wait for a worker. */
bool room_read_begin(struct rpc_server *server, struct str subject, const struct room_read *what) MUST_CHECK;
