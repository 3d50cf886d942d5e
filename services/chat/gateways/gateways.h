/* gateways.h - which gateways there are, and where the others reach them.  Loop thread only. */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/rpc/rpc_server.h"

struct chat;
struct gateways;

struct gateways *gateways_create(void);
void gateways_destroy(struct gateways **gateways);
void gateways_forget_peer(const struct chat *chat, const struct rpc_peer *peer);

/* One after the other; valid until one comes or goes. */
struct gateway_ref {
    struct rpc_peer *peer;
    struct str id;
};
size_t gateways_count(const struct gateways *gateways);
struct gateway_ref gateways_at(const struct gateways *gateways, size_t i);
