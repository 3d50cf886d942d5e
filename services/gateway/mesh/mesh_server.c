/* mesh_server.c - the server where the other gateways come for our sessions. */
// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/mesh/mesh_private.h"

#define EVENT_HWM 20000 /* messages waiting in one pipe; what finds it full waits here */

#define METHOD RPC_ADAPTER
#include "proto/begin.def"
#include "proto/gateway.def"
#include "proto/end.def"

static const struct rpc_method table[] = {
#define METHOD RPC_ROW
#include "proto/begin.def"
#include "proto/gateway.def"
#include "proto/end.def"
};

static void on_peer_gone(void *context, struct rpc_peer *peer)
{
    struct remote_gateway *remote = remote_gateway_find(context, peer);

    if (remote == NULL) return;
    remote_requests_gone(remote);
    remote_tunnels_gone(remote);
    remote_gateway_free(remote);
}

/* --- the end of a loop round --- */

static bool write_dirty(void *arg)
{
    struct mesh *mesh = arg;

    remote_tunnels_write(mesh);
    return mesh->dirty != NULL;
}

void mesh_server_open(struct mesh *mesh)
{
    mesh->server = rpc_server_create(mesh->loop, &(struct rpc_server_config){ .service = "gateway",
                                                     .endpoints = mesh->config.bind,
                                                     .key_dir = mesh->config.key_dir,
                                                     .methods = table,
                                                     .n_methods = COUNT(table),
                                                     .context = mesh,
                                                     .event_hwm = EVENT_HWM,
                                                     .peer_gone = on_peer_gone });
    mesh->frames = BUF(SIZE_MAX);
    before_sleep_begin(&mesh->before_sleep, mesh->loop, "mesh_writes", write_dirty, mesh);
    remote_gateways_init(mesh);
}

void mesh_server_close(struct mesh *mesh)
{
    rpc_server_destroy(&mesh->server);
    before_sleep_end(&mesh->before_sleep);
    ev_timer_stop(mesh->loop, &mesh->retry);
    buf_free(&mesh->frames);
}
