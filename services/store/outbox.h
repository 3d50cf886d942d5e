/*
 * outbox.h - committed messages on their way to chat, room by room, until chat has acknowledged them.
 *
 *      put, put, put --> [ room: 7 8 9 ] --one publication in flight--> chat
 *                        [ room: 3     ]     acknowledged: the next one; refused or lost: the same one again
 *
 * One in flight per room keeps its publications in the order of seq, through repeats too.  A new instance of chat gets
 * what the old one did not acknowledge: gateways that subscribed there first would otherwise never hear of it.
 * Bounded by bytes: over the bound a room's older messages go and the newest stays, whose seq shows gateways the gap;
 * over twice the bound the newest goes too, and gateways have to be told to look (chat_link_recheck).
 *
 * Loop thread only.
 */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/rpc/rpc_client.h"

struct ev_loop;
struct outbox;

/* How a publication leaves; its outcome is given to outbox_sent with the same token. */
typedef void outbox_send_fn(void *arg, const struct publication *publication, void *token);

struct outbox *outbox_create(struct ev_loop *loop, size_t max_bytes, outbox_send_fn *send, void *arg);
void outbox_destroy(struct outbox **outbox);
/* Copied.  false: there is no space for it, and nobody will hear of it from here. */
bool outbox_put(struct outbox *outbox, const struct message *message) MUST_CHECK;
void outbox_flush(struct outbox *outbox); /* send what was put */
void outbox_sent(struct outbox *outbox, void *token, bool acknowledged);
size_t outbox_waiting(const struct outbox *outbox); /* messages not yet acknowledged */
void outbox_check(const struct outbox *outbox);     /* see invariant.h */
