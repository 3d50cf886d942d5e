/* host.c - the other gateways come here for our sessions: the server, and one `caller` for each connection. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/service/settings.h"
#include "services/gateway/mesh/inside.h"

#define RETRY_S   0.005
#define EVENT_HWM 20000 /* messages waiting in one pipe; what finds it full waits here */

struct queued_event {
    struct rpc_event *event;
    struct queued_event *next;
};

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

struct caller *caller_of(struct mesh *mesh, struct rpc_peer *peer)
{
    struct caller *caller;

    HASH_FIND_PTR(mesh->callers, &peer, caller);
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

static void on_peer_gone(void *context, struct rpc_peer *peer)
{
    struct mesh *mesh = context;
    struct caller *caller;

    HASH_FIND_PTR(mesh->callers, &peer, caller);
    if (caller == NULL) return;
    hosted_calls_gone(caller);
    hosted_tunnels_gone(caller);
    while (caller->first != NULL) drop_first(caller);
    HASH_DEL(mesh->callers, caller);
    mem_free(caller);
}

/* --- the end of a loop round --- */

static void on_prepare(struct ev_loop *loop, ev_prepare *prepare, int events)
{
    struct mesh *mesh = prepare->data;

    (void)events;
    hosted_tunnels_write(mesh);
    if (mesh->dirty == NULL) ev_idle_stop(loop, &mesh->more);
}

static void on_idle(struct ev_loop *loop, ev_idle *idle, int events)
{
    (void)loop, (void)idle, (void)events;
}

void host_open(struct mesh *mesh)
{
    const char *bind = settings.gateway.mesh_bind;

    mesh->server = rpc_server_create(mesh->loop, &(struct rpc_server_config){ .service = "gateway",
                                                     .endpoints = *bind != '\0' ? bind : settings.gateway.mesh,
                                                     .key_dir = settings.common.key_dir,
                                                     .methods = table,
                                                     .n_methods = COUNT(table),
                                                     .context = mesh,
                                                     .event_hwm = EVENT_HWM,
                                                     .peer_gone = on_peer_gone });
    mesh->frames = BUF(SIZE_MAX);
    ev_prepare_init(&mesh->prepare, on_prepare);
    mesh->prepare.data = mesh;
    ev_prepare_start(mesh->loop, &mesh->prepare);
    ev_idle_init(&mesh->more, on_idle);
    ev_timer_init(&mesh->retry, on_retry, RETRY_S, RETRY_S);
    mesh->retry.data = mesh;
}

void host_close(struct mesh *mesh)
{
    rpc_server_destroy(&mesh->server);
    ev_prepare_stop(mesh->loop, &mesh->prepare);
    ev_idle_stop(mesh->loop, &mesh->more);
    ev_timer_stop(mesh->loop, &mesh->retry);
    buf_free(&mesh->frames);
}
