/* gateways.h - which gateways there are, and where the others reach them.  Loop thread only. */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/rpc/rpc_server.h"

struct chat;
struct gateways;

struct gateways *gateways_create(void);
void gateways_destroy(struct gateways **gateways);
void gateways_forget_peer(const struct chat *chat, const struct rpc_peer *peer);
