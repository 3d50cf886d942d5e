/*
 * access_cache.h - which subject may act in which room, remembered from chat's answers.
 *
 *      ask --> remembered? --yes--> answer
 *                  | no                ^
 *                  v                   |
 *              one room.access, all who ask meanwhile wait for it
 *
 * Chat tells every change on the pipe that the answers come on, and tells it after its own memory has changed: so an
 * answer that comes after an event is newer than it, and an answer that came before it is forgotten by it.  That holds
 * for one connection only: what was asked before chat confirmed access.watch, or before the pipe broke, is used for
 * who waits and not remembered.
 *
 * Only a yes is remembered, and read_only is none.  Who becomes a member, or may write from now on, hears of it from
 * chat, and acts at once: chat's word to this process may be later than that, and must not find a no here that is over.
 * The rates of reading and writing bound how often somebody makes it ask.
 *
 * Loop thread only.
 */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/rpc/room_rights.h"
#include "libshared/rpc/rpc_client.h"

struct access_cache;

/* How a question reaches chat; the answer is given to access_cache_answer with the same token. */
typedef void access_cache_send_fn(void *arg, const struct access_query *query, void *token);

struct access_cache *access_cache_create(size_t max, access_cache_send_fn *send, void *arg);
void access_cache_destroy(struct access_cache **access); /* those that still wait are not answered */

/* What somebody may do in a room's log: as a role, what of it they read: history_reads(), and how many seconds lie between two messages of
 * theirs; 0: none have to. */
struct log_access {
    enum role role;
    int32_t slow_s;
    int64_t reads_after;
};

/* e: OK, not_found (no such room), or why it could not be found out: then the role is ROLE_none. */
typedef void access_cache_fn(void *arg, enum err e, struct log_access may);

/* `answer` comes once, perhaps before this returns, in the order of asking. */
void access_cache_ask(
    struct access_cache *access, struct id room, struct str subject, access_cache_fn *answer, void *arg);
void access_cache_answer(struct access_cache *access, void *token, enum err e, struct log_access may);

void access_cache_watched(struct access_cache *access); /* from now on every change is heard */
void access_cache_lost(struct access_cache *access);    /* changes may have been missed: forget all */
void access_cache_changed(
    struct access_cache *access, struct id room, struct str subject); /* subject.len == 0: everybody's */
size_t access_cache_remembered(const struct access_cache *access);
