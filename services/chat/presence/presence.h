/*
 * presence.h - who is there, as others see it: in memory, from what gateways say, and of whom each may see it.
 *
 *      gateway --presence.report: first socket, last socket--> person --read once: how they want to be seen, whom a block hides--> known
 *      known --a moment later, with all others that changed--presence.changed--> every gateway
 *      gateway --presence.room: who is a member, who of them is there--> and what is another from then on comes as news
 *
 * A person is there while a gateway says so, and for the grace behind that: of a gateway that was killed its pipe ends.  Each process of
 * chat knows everybody, as gateways tell them all; the first one tells the gateways, and writes when somebody was seen last.
 *
 * All of it is the loop's; workers look things up under a lock, which the loop holds while it changes what they see.
 */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/rpc/rpc_server.h"

#define HIDDEN_MAX                                                                                                     \
    200 /* proto/chat.def: presence_item.hidden_from, relay.hidden_from; whoever has more is seen by nobody */

struct chat;
struct presence;

struct presence *presence_create(struct chat *chat);
void presence_destroy(struct presence **presence);
void presence_forget_peer(const struct chat *chat, const struct rpc_peer *peer);

/* From CHAT_CHANGED; false: the line says something else. */
bool presence_hear(struct chat *chat, struct str line);
/* Lines may have been missed. */
void presence_doubt(struct chat *chat);
/* In a transaction: how these want to be seen, or what a block hides of them, is another. */
enum err presence_notify(struct call *call, struct str_list subjects) MUST_CHECK;

/* On any thread: how each of these is, offline if it is not known, in the caller's arena; after which news that is so. */
int64_t presence_look(
    const struct chat *chat, struct arena *arena, struct str_list subjects, struct presence_item *out);
/* How many of them are there. */
int64_t presence_count(const struct chat *chat, struct str_list subjects);
/* false: it has begun so recently that gateways may not have said who is there. */
bool presence_is_known(const struct chat *chat);

/* On the loop: those from whom a block hides them, or whom it hides from them, as it is known already; false: it is not. */
bool presence_hides(const struct chat *chat, struct str subject, struct str_list *out);
/* On a worker, the same: HIDDEN_MAX + 1 of them at most. */
enum err presence_read_hidden(struct pg *pg, struct arena *arena, struct str subject, struct str_list *out) MUST_CHECK;

/* In lists of members, for who calls. */
enum err presence_show(struct call *call, struct room_member_list members) MUST_CHECK;
/* In a step of member_erase.c. */
enum err presence_erase(struct call *call, struct str subject, int64_t *rows) MUST_CHECK;
