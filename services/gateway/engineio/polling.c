/* polling.c - a session over HTTP: a GET that waits for packets, POSTs that bring some. */
// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/engineio/codec.h"
#include "services/gateway/engineio/session.h"

#include <string.h>

/* How long a GET that arrives during an upgrade waits for what may have been sent before it. */
#define UPGRADE_GRACE_MS 10
#define TEXT_PLAIN       "text/plain; charset=UTF-8"

static const struct http_header_out no_store = { "Cache-Control", { "no-store", 8 } };

static void answer_poll(struct eio_session *s, struct str body)
{
    struct http *http = s->poll;
    s->poll = NULL;
    s->at.release = 0;
    http_set_user(http, NULL);
    http_reply(http, 200, TEXT_PLAIN, body, &no_store, 1);
}

static void add_packet(struct buf *body, const struct eio_packet *packet)
{
    struct str payload = packet_payload(packet);
    if (body->len > 0) buf_add_char(body, PACKET_SEPARATOR);
    if (!packet_is_binary(packet)) {
        buf_add_str(body, payload);
        return;
    }
    buf_add_char(body, 'b');
    size_t chars = base64_length(payload.len);
    if (!buf_reserve(body, chars)) return;
    base64_encode(body->at + body->len, payload);
    body->len += chars;
}

/* Everything that waits, and `last` if there is one. */
static void answer_with_queue(struct eio_session *s, const char *last)
{
    struct buf body = BUF(SIZE_MAX);
    for (struct eio_packet *packet; (packet = session_first(s)) != NULL; session_pop(s)) add_packet(&body, packet);
    if (last != NULL) {
        if (body.len > 0) buf_add_char(&body, PACKET_SEPARATOR);
        buf_add_str(&body, str_of(last));
    }
    answer_poll(s, buf_str(&body));
    buf_free(&body);
}

/* --- the end of a loop round --- */

static void answer_too_late(struct eio_session *s)
{
    struct http *http = s->poll;
    s->poll = NULL;
    s->at.release = 0;
    http_set_user(http, NULL);
    reply_error(http, EIO_REQUEST, eio_error_text(EIO_REQUEST));
}

void polling_flush(struct eio_session *s)
{
    if (s->poll == NULL) return;
    if (s->ended && s->closing) {
        answer_with_queue(s, "1");
        s->closing = false;
    } else if (s->at.release == 0 && (s->count > 0 || s->probed)) {
        answer_with_queue(s, s->count > 0 ? NULL : "6");
    }
}

void polling_upgraded(struct eio_session *s)
{
    if (s->poll == NULL) return;
    if (s->at.release != 0)
        answer_too_late(s);
    else
        answer_with_queue(s, s->count > 0 ? NULL : "6");
}

static void flush_later(struct eio_session *s)
{
    if (s->poll != NULL) session_touch(s);
}

static bool poll_waits(const struct eio_session *s)
{
    return s->poll != NULL;
}

/* A client that said 1 is answered with 6, everybody else with 1. */
static void end_polling(struct eio_session *s, bool politely, const char *why)
{
    (void)why;
    if (politely) {
        if (s->poll == NULL) s->at.last_poll = now_ms() + LAST_POLL_MS;
        return;
    }
    if (s->poll != NULL) answer_with_queue(s, strcmp(s->reason, REASON_CLOSE) == 0 ? "6" : "1");
    session_drop_queue(s);
}

const struct eio_transport polling_transport = { "polling", flush_later, poll_waits, end_polling };

/* --- requests --- */

static int second_request(struct eio_session *s)
{
    session_end(s, REASON_ERROR, false, "");
    return 400;
}

/* The 5 of an upgrade may have been sent before this GET and be read after it: then it is answered as too late. */
static void wait_for_upgrade(struct eio_session *s)
{
    s->at.release = now_ms() + UPGRADE_GRACE_MS;
    heartbeat_arm(s);
}

static int begin_get(struct eio_session *s, struct http *http)
{
    if (s->poll != NULL) return second_request(s);
    s->poll = http;
    http_set_user(http, s);
    if (s->upgrading != NULL) wait_for_upgrade(s);
    session_touch(s);
    return 0;
}

static int begin_post(struct eio_session *s, struct http *http)
{
    if (s->ended) return reply_error(http, EIO_SID, eio_error_text(EIO_SID));
    if (s->post != NULL) return second_request(s);
    if (str_starts(http_header(http, "content-type"), STR("application/octet-stream"))) {
        session_end(s, REASON_ERROR, false, "");
        return 400;
    }
    s->post = http;
    http_set_user(http, s);
    return 0;
}

int polling_begin(struct eio_session *s, struct http *http)
{
    if (str_is(http_method(http), "GET")) return begin_get(s, http);
    return str_is(http_method(http), "POST") ? begin_post(s, http) : 400;
}

static bool take_binary(struct eio_session *s, struct arena *arena, struct str base64)
{
    size_t len;
    unsigned char *bytes = arena_alloc(arena, base64.len / 4 * 3 + 4);
    if (!base64_decode(base64, bytes, &len)) return false;
    session_binary(s, (struct str){ (const char *)bytes, len });
    return true;
}

static bool take_packet(struct eio_session *s, struct arena *arena, struct str packet)
{
    if (packet.len == 0) return false;
    if (packet.at[0] == 'b') return take_binary(s, arena, str_skip(packet, 1));
    session_packet(s, packet.at[0], str_skip(packet, 1));
    return true;
}

/* Up to the first bad packet. */
static bool take_packets(struct eio_session *s, struct arena *arena, struct str body)
{
    struct payload payload = payload_begin(body);
    struct str packet;
    while (!s->ended && payload_next(&payload, &packet))
        if (!take_packet(s, arena, packet)) return false;
    return s->reason == NULL || strcmp(s->reason, REASON_PARSE) != 0;
}

void polling_ready(struct eio_session *s, struct http *http)
{
    if (http == s->poll) return;
    s->post = NULL;
    http_set_user(http, NULL);
    if (s->ended) {
        session_touch(s);
        reply_error(http, EIO_SID, eio_error_text(EIO_SID));
        return;
    }
    struct str body = http_body(http);
    bool good = body.len > 0 && utf8_is_valid(body.at, body.len) && take_packets(s, http_arena(http), body);
    if (good) {
        http_reply(http, 200, "text/html", STR("ok"), NULL, 0);
        return;
    }
    eio_violation(s, "bad packet");
    http_reply(http, 400, NULL, STR_NONE, NULL, 0);
}

void polling_gone(struct eio_session *s, struct http *http)
{
    if (http == s->poll) s->poll = NULL;
    if (http == s->post) s->post = NULL;
    if (s->transport == &polling_transport) session_end(s, REASON_ERROR, false, "");
    session_touch(s);
}
