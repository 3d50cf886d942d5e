/*
 * chat.h - the chat service: rooms, their members, and what is carried between them.
 *
 *      on workers (PostgreSQL):  room_create room_list room_enter room_invite room_remove room_roles member_roles
 *      on the loop thread:       member_cache.c   who is in which room, as remembered    room.access, room.relay
 *                                feeds.c        which gateway hears which room         room.subscribe, room.publish
 *                                watchers.c     stores that hear of changes of membership  access.watch
 *                                gateways.c     which gateways there are               gateway.announce
 *
 * Everything behind struct chat belongs to the loop thread.  Workers hand it what they changed by call_after().
 */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/rpc/quota.h"
#include "libshared/rpc/rpc_rows.h"
#include "services/chat/gateways/feeds.h"
#include "services/chat/gateways/gateways.h"
#include "services/chat/members/member_cache.h"
#include "services/chat/members/watchers.h"

struct chat {
    int64_t members_max; /* of one room */
    struct rpc_server *server;
    struct member_cache *member_cache;
    struct feeds *feeds;
    struct watchers *watchers;
    struct gateways *gateways;
};

/* clang-format off */
#define METHOD RPC_PROTOTYPE
#include "proto/begin.def"
#include "proto/chat.def"
#include "proto/end.def"
/* clang-format on */

/* room_row.c: what handlers ask of the database again and again. */

/* A room's row, as much of it as a change of its membership needs. */
struct room_row {
    struct id id;
    struct str name;
    bool open;
    struct str created_by;
    int64_t created_at;
    int64_t version;
    int64_t members;
    struct str role; /* the caller's; empty: not a member */
};

enum err require_subject(struct call *call) MUST_CHECK;
enum err require_names(struct call *call, struct str_list members) MUST_CHECK;
/* The room and the caller's role in it.  not_found if there is none such. */
enum err room_row_get(struct call *call, struct id room, struct room_row *out) MUST_CHECK;
/* The same, and nobody else changes its membership until this call's transaction ends. */
enum err room_row_lock(struct call *call, struct id room, struct room_row *out) MUST_CHECK;
/* Add those who are not members yet and announce them after the commit.  The room must be locked. */
enum err room_row_add(struct call *call, const struct room_row *room, struct str_list subjects) MUST_CHECK;
struct room room_of_row(const struct room_row *row);

/* A change of one room's membership, on its way from a worker to the loop. */
struct member_change {
    struct id room;
    int64_t version; /* the room's, after this change */
    struct access_change_list who;
};
/* Remember it and tell it to all who listen: on the loop, after this call's commit. */
void announce_change(struct call *call, const struct member_change *change);
