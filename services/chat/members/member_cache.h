/*
 * member_cache.h - the members of rooms, remembered: read from the database when first asked for, changed in the order of the
 * room's version, forgotten when not asked for longest.  What is remembered has a bound in bytes; of a room that would take
 * too much of it, only those are remembered who were asked for.
 *
 *      want --> remembered? --yes--> answer
 *                   | no                ^
 *                   v                   |
 *               one reading, all who ask meanwhile wait for it
 *
 * Loop thread only.
 */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/rpc/rpc_server.h"
#include "services/chat/members/members.h"

struct member_cache;

struct member_cache *member_cache_create(size_t max_bytes);
void member_cache_destroy(struct member_cache **rooms); /* those that still wait are not answered */

/* What they may do in the room's log: no member, with an error as well.  e is ERR_NOT_FOUND if there is no such room; else why it could not be found out. */
typedef void member_cache_fn(void *arg, enum err e, struct member_access access);

/* Ask what a subject may do; `answer` comes once, perhaps before this returns.  subject must live until then. */
void member_cache_ask(struct member_cache *rooms, struct rpc_server *server, struct id room, struct str subject,
    member_cache_fn *answer, void *arg);

/* A change of membership was committed as this version of the room; of nobody in particular: of what all may do. */
void member_cache_change(struct member_cache *rooms, struct id room, int64_t version, struct access_change_list who);
/* Changes may have been missed. */
void member_cache_forget_all(struct member_cache *rooms);
