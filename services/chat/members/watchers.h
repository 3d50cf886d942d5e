/* watchers.h - stores hear of every change of membership, as they remember answers to room.access.  Loop thread only. */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/rpc/rpc_server.h"

struct watchers;

struct watchers *watchers_create(void);
void watchers_destroy(struct watchers **watchers);
void watchers_forget_peer(struct watchers *watchers, struct rpc_peer *peer);
void watchers_tell(struct watchers *watchers, struct rpc_server *server, const struct access_change *change);
