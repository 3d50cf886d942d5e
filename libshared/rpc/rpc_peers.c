/* rpc_peers.c - the peers at the other ends of the pipes, and those that are gone. */
// SPDX-License-Identifier: Apache-2.0
#include <assert.h>
#include <stdio.h>

#include "libshared/rpc/rpc_server_private.h"
#include "libshared/base/metrics.h"

const char *rpc_peer_name(const struct rpc_peer *peer)
{
    return peer->name;
}

struct rpc_peer *rpc_peer_find(struct rpc_server *server, const void *id)
{
    struct rpc_peer *peer;
    HASH_FIND(hh, server->peers, id, RPC_ID_BYTES, peer);
    return peer;
}

struct rpc_peer *rpc_peer_add(struct rpc_server *server, const void *id, const char *name)
{
    struct rpc_peer *peer = mem_zero(sizeof *peer);
    memcpy(peer->id, id, RPC_ID_BYTES);
    snprintf(peer->name, sizeof peer->name, "%s", name);
    peer->instance = id_new();
    peer->last_waiting = &peer->waiting;
    peer->pipe = rpc_pipe_create();
    HASH_ADD(hh, server->peers, id, RPC_ID_BYTES, peer);
    metric_set(server->peers_now, HASH_COUNT(server->peers));
    LOG(DEBUG, "rpc.peer_new", F_TEXT("peer", peer->name));
    return peer;
}

static void free_waiting(struct rpc_peer *peer)
{
    while (peer->waiting != NULL) {
        struct rpc_outgoing *out = peer->waiting;
        peer->waiting = out->next;
        zmq_msg_close(&out->head);
        zmq_msg_close(&out->body);
        mem_free(out);
    }
}

static void forget_peer(struct rpc_server *server, struct rpc_peer *peer)
{
    if (server->config.peer_gone != NULL) server->config.peer_gone(server->config.context, peer);
    free_waiting(peer);
    rpc_send_forget(server, peer);
    rpc_batch_free(&peer->out);
    rpc_pipe_leave(&peer->pipe);
    mem_free(peer);
}

/* A LATER request of the peer may still subscribe it to something when it is answered; so its end is told after that. */
static void reap_peers(void *arg)
{
    struct rpc_server *server = arg;
    for (struct rpc_peer **at = &server->gone; *at != NULL;) {
        struct rpc_peer *peer = *at;
        if (peer->in_hand > 0) {
            at = &peer->next_gone;
            continue;
        }
        *at = peer->next_gone;
        forget_peer(server, peer);
    }
}

/* Our caller may be walking a list that has this peer.  At the server's own end rpc_peers_free() takes them all. */
static void reap_soon(struct rpc_server *server)
{
    if (server->post != NULL) loop_post_run(server->post, reap_peers, server);
}

void rpc_peer_lose(struct rpc_server *server, struct rpc_peer *peer, const char *why)
{
    if (peer->gone) return;
    LOG(DEBUG, "rpc.peer_gone", F_TEXT("peer", peer->name), F_TEXT("why", why));
    peer->gone = true;
    rpc_send_forget(server, peer);
    HASH_DEL(server->peers, peer);
    metric_set(server->peers_now, HASH_COUNT(server->peers));
    peer->next_gone = server->gone;
    server->gone = peer;
    reap_soon(server);
}

void rpc_peer_answered(struct rpc_server *server, struct rpc_peer *peer)
{
    assert(peer->in_hand > 0);
    if (--peer->in_hand == 0 && peer->gone) reap_soon(server);
}

void rpc_peers_free(struct rpc_server *server)
{
    struct rpc_peer *peer;
    while ((peer = server->peers) !=
           NULL) { /* the service may send to others when it hears of one: they may be lost, too */
        HASH_DEL(server->peers, peer);
        forget_peer(server, peer);
    }
    while ((peer = server->gone) != NULL) {
        server->gone = peer->next_gone;
        forget_peer(server, peer);
    }
}
