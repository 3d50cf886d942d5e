/*
 * store.h - the store service: what was said.
 *
 *      gateway --message.append--> access_cache.c: a member? --> committer.c: one commit for all that wait --> receipt
 *                                     |  ^                                     |
 *                          room.access|  |access.changed                       v
 *                                     v  |                              outbox.c --room.publish--> chat
 *                                     chat
 *
 * Everything behind struct store belongs to the loop thread, but for the committer's own thread.
 */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/rpc/rpc_client.h"
#include "libshared/rpc/rpc_rows.h"
#include "libshared/service/settings.h"
#include "services/store/chat_link.h"
#include "services/store/messages/committer.h"
#include "services/store/access_cache.h"
#include "services/store/outbox.h"

struct store {
    const struct settings_store *settings;
    struct rpc_server *server;
    struct chat_link *link;
    struct access_cache *access;
    struct committer *committer;
    struct outbox *outbox;
    size_t appends_open; /* taken and not yet answered */
    bool stopping;       /* the server is gone: answer nobody */
};

/* clang-format off */
#define METHOD RPC_PROTOTYPE
#include "proto/begin.def"
#include "proto/store.def"
#include "proto/end.def"
/* clang-format on */

/* What access_cache_ask found out, as this call's error: forbidden for a subject that is no member. */
enum err access_error(struct call *call, enum err e, bool is_member) MUST_CHECK;

/* message_append.c: a batch came back from the committer. */
void appends_done(void *store, struct append *first);

/* log_page.c: a slice of a room's log and its head.  before == 0: what follows `after`, oldest first; else the newest
 * of what comes before it.  A page ends early at PAGE_BYTES, but has one message at least if there is one. */
struct slice {
    struct id room;
    int64_t after, before, limit;
};
enum err log_page(struct pg *pg, struct arena *arena, const struct slice *slice, struct message_page *out) MUST_CHECK;
