/* watchers.c - access.watch: the stores that hear of every change of membership, and that lines wait for them. */
// SPDX-License-Identifier: Apache-2.0
#include "services/chat/chat.h"

#define MAX_WATCHERS 256

struct watchers {
    struct rpc_peer *peers[MAX_WATCHERS];
    size_t n;
};

struct watchers *watchers_create(void)
{
    return mem_zero(sizeof(struct watchers));
}

void watchers_destroy(struct watchers **watchers)
{
    mem_free(*watchers);
    *watchers = NULL;
}

void watchers_forget_peer(const struct chat *chat, const struct rpc_peer *peer)
{
    struct watchers *watchers = chat->watchers;
    size_t kept = 0;

    for (size_t i = 0; i < watchers->n; i++)
        if (watchers->peers[i] != peer) watchers->peers[kept++] = watchers->peers[i];
    watchers->n = kept;
}

/* A watcher whose pipe is full is sent "resync" later, forgets all that it remembers, and asks for lines. */
static void tell_all(struct watchers *watchers, struct rpc_server *server, struct rpc_event *event)
{
    for (size_t i = 0; i < watchers->n; i++) (void)rpc_event_send(server, watchers->peers[i], event);
    rpc_event_destroy(&event);
}

void watchers_tell(struct watchers *watchers, struct rpc_server *server, const struct access_change *change)
{
    if (watchers->n == 0) return;
    tell_all(watchers, server, rpc_event_create(change->room, 0, "access.changed", access_change_shape(), change));
}

void watchers_tell_lines(struct watchers *watchers, struct rpc_server *server)
{
    struct nothing none;

    if (watchers->n == 0) return;
    tell_all(watchers, server, rpc_event_create((struct id){ 0 }, 0, "line.waiting", nothing_shape(), &none));
}

void watchers_resync(struct watchers *watchers, struct rpc_server *server)
{
    struct nothing none;

    tell_all(watchers, server, rpc_event_create((struct id){ 0 }, 0, "resync", nothing_shape(), &none));
}

enum err access_watch(struct call *call, const struct nothing *req, struct nothing *rep)
{
    struct chat *chat = call->context;

    (void)req, (void)rep;
    watchers_forget_peer(chat, call->peer); /* said twice is heard once */
    if (chat->watchers->n == MAX_WATCHERS)
        return call_fail(call, ERR_OVERLOADED, "%d processes watch already", MAX_WATCHERS);
    chat->watchers->peers[chat->watchers->n++] = call->peer;
    return OK;
}
