/*
 * grants.h - who may act in which room, remembered from chat's answers.
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
 * Only a yes is remembered.  Whoever was made a member hears of it from chat, and acts at once: chat's word to this process may
 * be later than that, and must not find a no here that is over.
 *
 * Loop thread only.
 */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/rpc/rpc_client.h"

struct grants;

/* How a question reaches chat; the answer is given to grants_answer with the same token. */
typedef void grants_send_fn(void *arg, const struct access_query *query, void *token);

struct grants *grants_create(size_t max, grants_send_fn *send, void *arg);
void grants_destroy(struct grants **grants); /* who still waits is not answered */

/* e: OK, not_found (no such room), or why it could not be found out. */
typedef void grants_fn(void *arg, enum err e, bool is_member);

/* `answer` comes once, perhaps before this returns, in the order of asking. */
void grants_ask(struct grants *grants, struct id room, struct str subject, grants_fn *answer, void *arg);
void grants_answer(struct grants *grants, void *token, enum err e, bool is_member);

void grants_watched(struct grants *grants); /* from now on every change is heard */
void grants_lost(struct grants *grants);    /* changes may have been missed: forget all */
void grants_changed(struct grants *grants, struct id room, struct str subject); /* subject.len == 0: everybody's */
size_t grants_remembered(const struct grants *grants);
