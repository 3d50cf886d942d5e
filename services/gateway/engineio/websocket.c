/* websocket.c - a session over a WebSocket: one packet per message. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/base/invariant.h"
#include "services/gateway/engineio/session_private.h"

#include "services/gateway/engineio/payload.h"

#include <string.h>

static bool put_packet(struct eio_session *s, struct eio_packet *packet)
{
    if (!s->base64 || !packet_is_binary(packet)) return s->ws->way->put(s->ws, packet_frame(packet));
    struct eio_packet *text = packet_base64(packet);
    bool taken = s->ws->way->put(s->ws, packet_frame(text));
    eio_packet_drop(text);
    return taken;
}

/* 0: none. */
static int close_code(const struct eio_session *s)
{
    if (strcmp(s->reason, REASON_PARSE) == 0) return 1002;
    if (strcmp(s->reason, REASON_FLOOD) == 0) return 1008;
    return s->evicted ? 1013 : 0;
}

static void say_goodbye(struct eio_session *s, const char *why)
{
    struct eio_channel *channel = s->ws;
    int code = close_code(s);
    s->ws = NULL;
    s->closing = false;
    channel->session = NULL;
    channel->way->close(channel, code, code != 0 ? why : "");
    session_drop_queue(s);
    session_touch(s);
}

void websocket_writable(struct eio_session *s)
{
    uint32_t n = 0;

    while (n < s->count && put_packet(s, session_packet(s, n))) n++;
    session_pop(s, n);
    if (s->count > 0) return;
    if (s->ended) say_goodbye(s, "");
    CHECK_STEP(session_check(s));
}

static void flush_ws(struct eio_session *s)
{
    if (s->ws != NULL) s->ws->way->want_write(s->ws);
}

static bool ws_takes_more(const struct eio_session *s)
{
    return s->ws != NULL && !s->ws->way->is_blocked(s->ws);
}

static void end_ws(struct eio_session *s, bool politely, const char *why)
{
    if (s->ws == NULL) return;
    if (!politely) {
        say_goodbye(s, why);
        return;
    }
    s->at.last_poll = now_ms() + LAST_POLL_MS;
    s->ws->way->want_write(s->ws);
}

const struct eio_transport websocket_transport = { "websocket", flush_ws, ws_takes_more, end_ws };

void websocket_message(struct eio_session *s, bool binary, struct str bytes)
{
    if (binary)
        incoming_binary(s, bytes);
    else if (bytes.len == 0)
        eio_violation(s, "empty packet");
    else if (bytes.at[0] != 'b')
        incoming_packet(s, bytes.at[0], str_skip(bytes, 1));
    else if (!incoming_base64(s, str_skip(bytes, 1))) /* a client that asked for b64 may send so, too */
        eio_violation(s, "bad base64");
}
