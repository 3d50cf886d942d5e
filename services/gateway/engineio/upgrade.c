/*
 * upgrade.c - from polling to a WebSocket.
 *
 *      > 2probe   < 3probe, a waiting GET is released    > 5   the session moves, the queue follows
 *
 * Until the 5 the session lives on polling; whatever goes wrong before costs only the WebSocket.
 */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/base/invariant.h"
#include "services/gateway/engineio/session_private.h"

void upgrade_begin(struct eio_session *s, struct eio_channel *channel)
{
    s->upgrading = channel;
    s->probed = false;
    channel->session = s;
    allowance_bound(s);
    s->at.upgrade = now_ms() + s->eio->config.upgrade_timeout_ms;
    session_arm(s);
    CHECK_STEP(session_check(s));
}

void upgrade_lost(struct eio_session *s)
{
    metric_add(s->eio->not_upgraded, 1);
    session_forget_upgrade(s);
    session_arm(s);
    CHECK_STEP(session_check(s));
}

/* The answer goes out before anything that another connection may be told about this session. */
static void answer_probe(struct eio_session *s)
{
    s->probed = true;
    s->answer_probe = !s->upgrading->answers_probe;
    if (s->answer_probe) s->upgrading->way->flush(s->upgrading);
    session_touch(s);
}

static void finish_upgrade(struct eio_session *s)
{
    s->ws = s->upgrading;
    session_forget_upgrade(s);
    session_move(s, str_of(s->ws->address));
    session_lead(s);
    polling_upgraded(s);
    session_count(s, -1);
    s->transport = &websocket_transport;
    session_count(s, 1);
    metric_add(s->eio->upgraded, 1);
    heartbeat_upgraded(s);
    s->transport->flush(s);
}

void upgrade_message(struct eio_session *s, bool binary, struct str bytes)
{
    if (!binary && str_is(bytes, "2probe") && !s->probed)
        answer_probe(s);
    else if (!binary && str_is(bytes, "5") && session_admits(s, str_of(s->upgrading->address)))
        finish_upgrade(s);
    else
        session_abandon_upgrade(s);
    CHECK_STEP(session_check(s));
}

void upgrade_writable(struct eio_session *s)
{
    if (!s->answer_probe) return;
    struct eio_packet *packet = packet_raw(STR("3probe"));
    if (s->upgrading->way->put(s->upgrading, packet_frame(packet))) s->answer_probe = false;
    eio_packet_drop(packet);
}
