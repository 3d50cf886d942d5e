/*
 * feeds.h - which gateway hears which room, and how committed messages reach them.
 *
 *      store --room.publish--> feed of the room --encoded once--> each gateway with a listener --> its sockets
 *
 * A feed is there while somebody listens.  It remembers the newest seq that it has passed on, so that a publication
 * that the store repeats is passed on once.  A hole (chat was killed between a commit and its publication) is passed
 * on as it is: the gateway sees it in seq and asks the store.
 *
 * Loop thread only; nothing here touches the database.
 */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/rpc/rpc_server.h"

struct chat;
struct feeds;

struct feeds *feeds_create(size_t max);
void feeds_destroy(struct feeds **feeds);
bool feeds_add(struct feeds *feeds, struct id room, struct rpc_peer *peer) MUST_CHECK; /* false: too many rooms */
void feeds_remove(struct feeds *feeds, struct id room, struct rpc_peer *peer);
void feeds_forget_peer(const struct chat *chat, const struct rpc_peer *peer);

void feeds_relay(struct feeds *feeds, struct rpc_server *server, const struct relay *relay);
void feeds_tell(struct feeds *feeds, struct rpc_server *server, const struct access_change *change);
void feeds_tell_receipts(struct feeds *feeds, struct rpc_server *server, const struct receipt_news *news);
bool feeds_has(struct feeds *feeds, struct id room); /* somebody listens */
/* What was committed may never be published: the gateways shall ask for the heads of their rooms. */
void feeds_recheck(struct rpc_server *server);

/* The messages of `all` with a seq greater than `after`: a view of its end. */
struct message_list feed_after(struct message_list all, int64_t after);
