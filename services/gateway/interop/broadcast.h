/* broadcast.h - what @socket.io/redis-emitter publishes, decoded: an event for sockets, or a request about them. */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/base/arena.h"
#include "services/gateway/interop/roster.h"

#define BROADCAST_NAMES_MAX 10000 /* rooms in one message */

/* [uid, {type, data, nsp}, {rooms, except, flags}] of msgpack. */
struct broadcast {
    struct selection who;
    bool is_volatile;
    struct str name; /* of the event */
    struct str text; /* the Socket.IO packet; what clients would not understand is refused */
    struct str parts[SIO_MAX_ATTACHMENTS];
    unsigned n_parts;
};

/* {type, opts: {rooms, except}, rooms, close} of JSON. */
struct request {
    enum request_type {
        REQUEST_OTHER = 0, /* not for gateways: serverSideEmit, and what Node servers ask each other */
        REQUEST_JOIN = 2,
        REQUEST_LEAVE = 3,
        REQUEST_DISCONNECT = 4
    } type;
    struct selection who;
    const struct str *rooms; /* to join or leave */
    size_t n_rooms;
    bool close; /* the sessions too */
};

/* Lists and texts are in the arena, parts are views.  false: nonsense, too much, or for another namespace. */
bool broadcast_read(struct str bytes, struct str nsp, struct arena *arena, struct broadcast *out);
bool request_read(struct str bytes, struct str nsp, struct arena *arena, struct request *out);
