/* remote_gateways.c - the gateways whose clients have sessions here, and what is on its way to each. */
// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/mesh/mesh_private.h"

#define RETRY_S 0.005

struct queued_event {
    struct rpc_event *event;
    struct queued_event *next;
};

struct remote_gateway *remote_gateway_find(struct mesh *mesh, struct rpc_peer *peer)
{
    struct remote_gateway *remote;

    HASH_FIND_PTR(mesh->remotes, &peer, remote);
    return remote;
}

struct remote_gateway *remote_gateway_get(struct mesh *mesh, struct rpc_peer *peer)
{
    struct remote_gateway *remote = remote_gateway_find(mesh, peer);

    if (remote != NULL) return remote;
    remote = mem_zero(sizeof *remote);
    remote->mesh = mesh;
    remote->peer = peer;
    remote->last = &remote->first;
    HASH_ADD_PTR(mesh->remotes, peer, remote);
    return remote;
}

/* --- events: in order, and none lost while the pipe lives --- */

static void enqueue_event(struct remote_gateway *remote, struct rpc_event *event)
{
    struct mesh *mesh = remote->mesh;
    struct queued_event *q = mem_alloc(sizeof *q);

    *q = (struct queued_event){ event, NULL };
    *remote->last = q;
    remote->last = &q->next;
    mesh->queued++;
    if (!ev_is_active(&mesh->retry)) ev_timer_again(mesh->loop, &mesh->retry);
}

/* What waits is bounded by the windows of its WebSockets, and by one answer for each request. */
void remote_gateway_send(
    struct remote_gateway *remote, const char *name, const struct wire_shape *shape, const void *record)
{
    struct rpc_event *event = rpc_event_create((struct id){ 0 }, 0, name, shape, record);

    if (remote->first != NULL || !rpc_event_send(remote->mesh->server, remote->peer, event))
        enqueue_event(remote, event);
    else
        rpc_event_destroy(&event);
}

static void drop_first(struct remote_gateway *remote)
{
    struct queued_event *q = remote->first;

    remote->first = q->next;
    if (q->next == NULL) remote->last = &remote->first;
    remote->mesh->queued--;
    rpc_event_destroy(&q->event);
    mem_free(q);
}

static void on_retry(struct ev_loop *loop, ev_timer *timer, int events)
{
    struct mesh *mesh = timer->data;
    struct remote_gateway *remote, *next;

    (void)events;
    HASH_ITER(hh, mesh->remotes, remote, next)
        while (remote->first != NULL && rpc_event_send(mesh->server, remote->peer, remote->first->event))
            drop_first(remote);
    if (mesh->queued == 0) ev_timer_stop(loop, timer);
}

void remote_gateway_free(struct remote_gateway *remote)
{
    while (remote->first != NULL) drop_first(remote);
    HASH_DEL(remote->mesh->remotes, remote);
    mem_free(remote);
}

void remote_gateways_init(struct mesh *mesh)
{
    ev_timer_init(&mesh->retry, on_retry, RETRY_S, RETRY_S);
    mesh->retry.data = mesh;
}
