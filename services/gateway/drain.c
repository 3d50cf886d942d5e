/*
 * drain.c - leaving without a herd:
 *
 *      SIGTERM -> stop accepting -> close each socket at its own moment within drain_spread_ms -> wait until what is
 *      in flight is answered, at most drain_ms -> end
 */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/base/clock.h"
#include "libshared/base/log.h"
#include "services/gateway/gateway.h"

#define TICK_S 0.05

struct drain_moment {
    int64_t elapsed_ms, spread_ms;
};

static void close_if_due(void *arg, struct eio_session *session)
{
    const struct drain_moment *now = arg;

    if (eio_drain_delay_ms(eio_sid(session), now->spread_ms) <= now->elapsed_ms)
        eio_close(session, "server shutting down");
}

static void close_some(struct eio *eio, struct drain_moment now)
{
    if (eio != NULL) eio_each(eio, close_if_due, &now);
}

static size_t count_sessions(const struct gateway *gateway)
{
    return eio_sessions(gateway->socketio) + (gateway->msgpack != NULL ? eio_sessions(gateway->msgpack) : 0) +
           (gateway->engineio != NULL ? eio_sessions(gateway->engineio) : 0);
}

static bool is_idle(const struct gateway *gateway)
{
    return count_sessions(gateway) == 0 && gateway->routes.in_flight == 0 && mesh_in_flight(gateway->mesh) == 0;
}

static void on_tick(struct ev_loop *loop, ev_timer *timer, int events)
{
    struct gateway *gateway = timer->data;
    int64_t elapsed_ms = (clock_mono_us() - gateway->drain_began_us) / 1000;
    struct drain_moment now = { elapsed_ms, gateway->settings->gateway.drain_spread_ms };
    bool late = elapsed_ms > now.spread_ms + gateway->settings->common.drain_ms;

    (void)events;
    close_some(gateway->socketio, now);
    close_some(gateway->msgpack, now);
    close_some(gateway->engineio, now);
    mesh_drain(gateway->mesh, elapsed_ms, now.spread_ms);
    if (!is_idle(gateway) && !late) return;
    LOG(INFO, "gateway.drained", F_INT("ms", elapsed_ms), F_INT("sessions_left", count_sessions(gateway)),
        F_INT("requests_left", gateway->routes.in_flight));
    ev_timer_stop(loop, timer);
    ev_break(loop, EVBREAK_ALL);
}

/* Before anything is closed, so that a client may finish what it is about. */
static void tell_client(void *arg, struct client *client)
{
    const struct str *notice = arg;

    sio_emit(client->socket, "server:closing", *notice);
}

static void tell_clients(const struct gateway *gateway)
{
    struct buf json = BUF(64);
    buf_printf(&json, "{\"within_ms\":%lld}", (long long)gateway->settings->gateway.drain_spread_ms);
    struct str notice = buf_str(&json);
    if (gateway->clients != NULL) clients_each(gateway->clients, tell_client, &notice);
    buf_free(&json);
}

void drain_begin(struct gateway *gateway)
{
    if (gateway->draining) return;
    LOG(INFO, "gateway.draining", F_INT("sessions", count_sessions(gateway)));
    gateway->draining = true;
    gateway->drain_began_us = clock_mono_us();
    tell_clients(gateway);
    mesh_leave(gateway->mesh);
    http_server_stop_accepting(gateway->server);
    ev_timer_init(&gateway->drain, on_tick, TICK_S, TICK_S);
    gateway->drain.data = gateway;
    ev_timer_start(gateway->loop, &gateway->drain);
}
