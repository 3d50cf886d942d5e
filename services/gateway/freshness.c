/*
 * freshness.c - a gateway that was cut off, or stood still, obeys what it missed before it serves anybody:
 *
 *      the pipe to auth is up again --+                        +--> what sockets said meanwhile is taken
 *                                     +--> auth is asked ------+
 *      the loop stood still ----------+    nothing is taken     \--WAIT_S, auth is away--> the same, with the trust that there is
 */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/base/clock.h"
#include "libshared/base/log.h"
#include "services/gateway/gateway.h"

#define STILL_US 1000000 /* between two turns of a loop that has a timer ten times a second */
#define WAIT_S   2.
#define BEAT_S   0.1

static void take_again(struct gateway *gateway)
{
    ev_timer_stop(gateway->loop, &gateway->freshness.wait);
    routes_hold(&gateway->routes, false);
    sio_hold_messages(gateway->sio, false);
}

static void on_wait_over(struct ev_loop *loop, ev_timer *timer, int events)
{
    struct gateway *gateway = timer->data;

    (void)loop, (void)events;
    LOG(WARN, "gateway.trust_not_asked", F_INT("position", trusted_position(gateway->trusted)));
    take_again(gateway);
}

void freshness_ask(struct gateway *gateway)
{
    if (trusted_is_known(gateway->trusted)) {
        routes_hold(&gateway->routes, true);
        sio_hold_messages(gateway->sio, true);
        ev_timer_again(gateway->loop, &gateway->freshness.wait);
    }
    trusted_ask(gateway->trusted, gateway->service[SERVICE_auth]);
}

void freshness_is_there(struct gateway *gateway)
{
    take_again(gateway);
}

/* Before anything else of a turn: what came in while the process stood still has not been looked at. */
static void on_turn(struct ev_loop *loop, ev_check *check, int events)
{
    struct gateway *gateway = check->data;
    int64_t now = clock_mono_us(), gap = now - gateway->freshness.turned_us;

    (void)loop, (void)events;
    gateway->freshness.turned_us = now;
    if (gap < STILL_US || gateway->service[SERVICE_auth] == NULL) return;
    LOG(WARN, "gateway.stood_still", F_INT("ms", gap / 1000));
    freshness_ask(gateway);
}

static void on_beat(struct ev_loop *loop, ev_timer *timer, int events)
{
    (void)loop, (void)timer, (void)events;
}

void freshness_watch(struct gateway *gateway)
{
    struct freshness *f = &gateway->freshness;

    f->turned_us = clock_mono_us();
    ev_check_init(&f->check, on_turn);
    ev_set_priority(&f->check, EV_MAXPRI);
    ev_timer_init(&f->wait, on_wait_over, 0., WAIT_S);
    ev_timer_init(&f->beat, on_beat, BEAT_S, BEAT_S);
    f->check.data = f->wait.data = gateway;
    ev_check_start(gateway->loop, &f->check);
    ev_timer_start(gateway->loop, &f->beat);
}

void freshness_unwatch(struct gateway *gateway)
{
    take_again(gateway);
    ev_check_stop(gateway->loop, &gateway->freshness.check);
    ev_timer_stop(gateway->loop, &gateway->freshness.beat);
}
