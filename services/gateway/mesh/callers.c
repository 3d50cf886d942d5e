/* callers.c - the gateways whose clients have sessions here, and what is on its way to each. */
// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/mesh/inside.h"

#define RETRY_S 0.005

struct queued_event {
    struct rpc_event *event;
    struct queued_event *next;
};

struct caller *caller_find(struct mesh *mesh, struct rpc_peer *peer)
{
    struct caller *caller;

    HASH_FIND_PTR(mesh->callers, &peer, caller);
    return caller;
}

struct caller *caller_of(struct mesh *mesh, struct rpc_peer *peer)
{
    struct caller *caller = caller_find(mesh, peer);

    if (caller != NULL) return caller;
    caller = mem_zero(sizeof *caller);
    caller->mesh = mesh;
    caller->peer = peer;
    caller->last = &caller->first;
    HASH_ADD_PTR(mesh->callers, peer, caller);
    return caller;
}

/* --- events: in order, and none lost while the pipe lives --- */

static void enqueue(struct caller *caller, struct rpc_event *event)
{
    struct mesh *mesh = caller->mesh;
    struct queued_event *q = mem_alloc(sizeof *q);

    *q = (struct queued_event){ event, NULL };
    *caller->last = q;
    caller->last = &q->next;
    mesh->queued++;
    if (!ev_is_active(&mesh->retry)) ev_timer_again(mesh->loop, &mesh->retry);
}

/* What waits is bounded by the windows of its WebSockets, and by one answer for each request. */
void caller_send(struct caller *caller, const char *name, const struct wire_shape *shape, const void *record)
{
    struct rpc_event *event = rpc_event_create((struct id){ 0 }, 0, name, shape, record);

    if (caller->first != NULL || !rpc_event_send(caller->mesh->server, caller->peer, event))
        enqueue(caller, event);
    else
        rpc_event_destroy(&event);
}

static void drop_first(struct caller *caller)
{
    struct queued_event *q = caller->first;

    caller->first = q->next;
    if (q->next == NULL) caller->last = &caller->first;
    caller->mesh->queued--;
    rpc_event_destroy(&q->event);
    mem_free(q);
}

static void on_retry(struct ev_loop *loop, ev_timer *timer, int events)
{
    struct mesh *mesh = timer->data;
    struct caller *caller, *next;

    (void)events;
    HASH_ITER(hh, mesh->callers, caller, next)
    while (caller->first != NULL && rpc_event_send(mesh->server, caller->peer, caller->first->event))
        drop_first(caller);
    if (mesh->queued == 0) ev_timer_stop(loop, timer);
}

void caller_free(struct caller *caller)
{
    while (caller->first != NULL) drop_first(caller);
    HASH_DEL(caller->mesh->callers, caller);
    mem_free(caller);
}

void callers_init(struct mesh *mesh)
{
    ev_timer_init(&mesh->retry, on_retry, RETRY_S, RETRY_S);
    mesh->retry.data = mesh;
}
