/* rpc_drain.c - leaving: nothing new is begun, and word is given when all that was begun is answered. */
// SPDX-License-Identifier: Apache-2.0
#include <assert.h>

#include "libshared/rpc/rpc_server_private.h"

static void tell_drained(void *arg)
{
    struct rpc_server *server = arg;
    void (*drained)(void *) = server->drained;
    server->drained = NULL;
    if (drained != NULL) drained(server->drained_arg);
}

void rpc_drain_check(struct rpc_server *server)
{
    if (server->draining && server->drained != NULL && server->n_in_hand == 0 && server->n_works == 0 &&
        !ev_is_active(&server->flush))
        loop_post_run(server->post, tell_drained, server);
}

void rpc_server_drain(struct rpc_server *server, void (*done)(void *), void *arg)
{
    server->draining = true;
    server->drained = done;
    server->drained_arg = arg;
    LOG(INFO, "rpc.drain", F_INT("in_hand", server->n_in_hand), F_INT("works", server->n_works));
    rpc_drain_check(server);
}

/* Without a pool the end has come. */
bool rpc_server_is_leaving(const struct rpc_server *server)
{
    return server->leaving || server->draining || server->pool == NULL;
}

void rpc_server_hold(struct rpc_server *server)
{
    server->n_works++;
}

void rpc_server_release(struct rpc_server *server)
{
    assert(server->n_works > 0);
    server->n_works--;
    rpc_drain_check(server);
}
