/* watchers.h - stores hear of every change of membership, as they remember answers to room.access, and of lines for their logs.  Loop thread only. */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/rpc/rpc_server.h"

struct chat;
struct watchers;

struct watchers *watchers_create(void);
void watchers_destroy(struct watchers **watchers);
void watchers_forget_peer(const struct chat *chat, const struct rpc_peer *peer);
void watchers_tell(struct watchers *watchers, struct rpc_server *server, const struct access_change *change);
void watchers_tell_lines(struct watchers *watchers, struct rpc_server *server);
/* Changes may have been missed: they forget all that they remember, as when the pipe was full. */
void watchers_resync(struct watchers *watchers, struct rpc_server *server);
