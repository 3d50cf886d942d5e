/*
 * roster.h - rooms as Socket.IO adapters have them: names, that back ends put open sockets into and speak to.
 *
 *      a socket is in the room named by its id, in those that it was put into, and in each that it joined by room:join,
 *      which goes by its UUID.  Namespaces have rooms of their own.
 */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "services/gateway/rooms/rooms.h"
#include "services/gateway/socketio/sio.h"

#define ROSTER_NAME_MAX 1000 /* bytes of a room's name; longer ones nobody is in */

struct roster;

/* Who: the sockets in any of `rooms` (none given: in the namespace), but for those in any of `except`. */
struct selection {
    struct str nsp;
    const struct str *rooms;
    size_t n_rooms;
    const struct str *except;
    size_t n_except;
};

/* A feature of every socket with an identity.  rooms NULL: there are no rooms by UUID.  rooms_max: of one socket. */
struct roster *roster_create(struct rooms *rooms, size_t rooms_max);

size_t roster_count(const struct roster *roster, struct str nsp); /* open sockets */
bool roster_is_anyone_in(const struct roster *roster, struct str nsp, struct str room);
/* Each once.  The list is valid until the next selection or until a socket closes. */
size_t roster_select(struct roster *roster, const struct selection *who, struct client *const **out);
/* Noop where the name or the number of rooms is over its bound, or its session holds too much; to leave UUID rooms is up to room:leave. */
void roster_join(struct roster *roster, struct client *client, const struct str *rooms, size_t n);
void roster_leave(struct roster *roster, struct client *client, const struct str *rooms, size_t n);
