/*
 * heartbeat.c - pings, and everything else of a session that happens at its time.
 *
 * The next ping comes one interval after the pong; the session is over one interval and one timeout after it, whatever
 * happens in between.
 */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/base/invariant.h"
#include "services/gateway/engineio/session_private.h"

static void set_ping(struct eio_session *s, int64_t now)
{
    s->at.ping = now + s->eio->config.ping_interval_ms;
    s->at.pong = s->at.ping + s->eio->config.ping_timeout_ms;
}

static bool passed(int64_t deadline, int64_t now)
{
    return deadline != 0 && now >= deadline;
}

static void on_timer(struct ev_loop *loop, ev_timer *timer, int events)
{
    (void)loop, (void)events;
    struct eio_session *s = timer->data;
    int64_t now = now_ms();

    if (passed(s->at.last_poll, now)) {
        session_give_up(s);
        return;
    }
    if (passed(s->at.pong, now)) {
        session_end(s, REASON_PING, false, "ping timeout");
        return;
    }
    if (passed(s->at.connect, now)) {
        session_end(s, REASON_FORCED, true, "");
        return;
    }
    if (passed(s->at.slow, now)) {
        session_end(s, REASON_ERROR, false, "too slow");
        return;
    }
    if (passed(s->at.release, now)) {
        s->at.release = 0;
        session_touch(s);
    }
    if (passed(s->at.upgrade, now)) session_abandon_upgrade(s);
    if (passed(s->at.ping, now)) {
        s->at.ping = 0;
        session_push(s, packet_raw(STR("2")));
        s->transport->flush(s);
    }
    session_arm(s);
    CHECK_STEP(session_check(s));
}

void heartbeat_begin(struct eio_session *s)
{
    int64_t now = now_ms();
    ev_timer_init(&s->timer, on_timer, 0, 0);
    s->timer.data = s;
    set_ping(s, now);
    s->at.connect = now + s->eio->config.connect_timeout_ms;
    session_arm(s);
}

void heartbeat_pong(struct eio_session *s)
{
    if (s->at.ping != 0) return; /* unsolicited */
    set_ping(s, now_ms());
    session_arm(s);
}

/* The pong may have been lost with the old transport: a new chance. */
void heartbeat_upgraded(struct eio_session *s)
{
    set_ping(s, s->at.ping != 0 ? s->at.ping - s->eio->config.ping_interval_ms : now_ms());
    s->at.upgrade = 0;
    session_arm(s);
}

void eio_connected(struct eio_session *s)
{
    session_greeted(s);
    allowance_bound(s);
    s->at.connect = 0;
    session_arm(s);
    CHECK_STEP(session_check(s));
}
