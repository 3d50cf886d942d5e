/* channel.c - what comes by a session's WebSocket, or by one that is to become it. */
// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/engineio/session_private.h"

bool eio_take_upgrade(struct eio *eio, struct eio_channel *channel, struct str sid)
{
    struct eio_session *s = session_find(eio, sid);
    if (s == NULL || s->ended || s->transport != &polling_transport || s->upgrading != NULL) return false;
    if (!session_admits(s, str_of(channel->address))) return false;
    upgrade_begin(s, channel);
    return true;
}

void eio_channel_message(struct eio_channel *channel, bool binary, struct str bytes)
{
    struct eio_session *s = channel->session;
    if (s == NULL || !allowance_take(s, bytes.len)) return;
    if (s->upgrading == channel)
        upgrade_message(s, binary, bytes);
    else if (session_is_over(s))
        session_end(s, REASON_PING, false, "");
    else
        websocket_message(s, binary, bytes);
}

void eio_channel_frame(struct eio_channel *channel)
{
    if (channel->session != NULL) allowance_take(channel->session, 0);
}

void eio_channel_writable(struct eio_channel *channel)
{
    struct eio_session *s = channel->session;
    if (s == NULL) return;
    if (s->upgrading == channel)
        upgrade_writable(s);
    else
        websocket_writable(s);
}

void eio_channel_closed(struct eio_channel *channel)
{
    struct eio_session *s = channel->session;
    if (s == NULL) return;
    channel->session = NULL;
    if (s->upgrading == channel) {
        upgrade_lost(s);
        return;
    }
    s->ws = NULL;
    s->closing = false;
    session_end(s, REASON_CLOSE, false, "");
    session_touch(s);
}
