/* wait.c - requests and WebSockets that wait for the pipe to their session's gateway, and for how long. */
// SPDX-License-Identifier: Apache-2.0
#include <utlist.h>

#include "libshared/base/clock.h"
#include "services/gateway/mesh/mesh_private.h"

#define LOOK_S 0.05

void wait_end(struct mesh *mesh, struct waiter *w)
{
    if (!w->waits) return;
    w->waits = false;
    DL_DELETE(mesh->waiting, w);
    if (mesh->waiting == NULL) ev_timer_stop(mesh->loop, &mesh->patience);
}

static bool try_to_reach(struct mesh *mesh, struct waiter *w)
{
    struct link *link = link_for(mesh, mesh_sid(w->sid));

    if (link == NULL || !link_is_up(link)) return false;
    wait_end(mesh, w);
    w->reached(w, link);
    return true;
}

static int64_t end_of_patience(const struct mesh *mesh)
{
    int64_t end_us = clock_mono_us() + PATIENCE_MS * 1000, young_us = mesh->began_us + YOUNG_MS * 1000;

    return end_us > young_us ? end_us : young_us;
}

void wait_begin(struct mesh *mesh, struct waiter *w)
{
    if (try_to_reach(mesh, w)) return;
    w->waits = true;
    w->until_us = end_of_patience(mesh);
    DL_APPEND(mesh->waiting, w);
    if (!ev_is_active(&mesh->patience)) ev_timer_again(mesh->loop, &mesh->patience);
}

void wait_retry(struct mesh *mesh)
{
    struct waiter *w, *next;

    DL_FOREACH_SAFE(mesh->waiting, w, next) try_to_reach(mesh, w);
}

/* In the order in which they came: the first that may still wait ends it. */
static void on_patience(struct ev_loop *loop, ev_timer *timer, int events)
{
    struct mesh *mesh = timer->data;
    int64_t now_us = clock_mono_us();

    (void)loop, (void)events;
    while (mesh->waiting != NULL && mesh->waiting->until_us <= now_us) {
        struct waiter *w = mesh->waiting;
        wait_end(mesh, w);
        w->given_up(w);
    }
}

void wait_init(struct mesh *mesh)
{
    mesh->began_us = clock_mono_us();
    ev_timer_init(&mesh->patience, on_patience, LOOK_S, LOOK_S);
    mesh->patience.data = mesh;
}
