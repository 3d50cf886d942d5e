/* polling.c - a session over HTTP: a GET that waits for packets, POSTs that bring some. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/base/invariant.h"
#include "services/gateway/engineio/payload.h"
#include "services/gateway/engineio/session_private.h"

#include <string.h>

/* How long a GET that arrives during an upgrade waits for what may have been sent before it. */
#define UPGRADE_GRACE_MS 10
/* How long a POST that says 1 waits for a GET that may have been sent before it. */
#define GOODBYE_GRACE_MS 50
#define TEXT_PLAIN       "text/plain; charset=UTF-8"

static struct eio_request *let_go(struct eio_session *s)
{
    struct eio_request *poll = s->poll;
    s->poll = NULL;
    s->at.release = 0;
    poll->session = NULL;
    return poll;
}

static void answer_poll(struct eio_session *s, struct str body)
{
    struct eio_request *poll = let_go(s);
    poll->answer(poll, &(struct eio_answer){ 200, TEXT_PLAIN, body, .no_store = true });
}

static void answer_ok(struct eio_request *request)
{
    request->answer(request, &(struct eio_answer){ 200, "text/html", STR("ok"), .no_store = false });
}

static void answer_status(struct eio_request *request, int status)
{
    request->answer(request, &(struct eio_answer){ .status = status });
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

/* Everything that waits, as far as one answer may hold it, and `last` if that was all. */
static void answer_with_queue(struct eio_session *s, const char *last)
{
    struct buf body = BUF(SIZE_MAX);
    uint32_t n = 0;

    for (; n < s->count && body.len < s->poll->answer_max; n++) add_packet(&body, session_packet(s, n));
    session_pop(s, n);
    if (last != NULL && s->count == 0) {
        if (body.len > 0) buf_add_char(&body, PACKET_SEPARATOR);
        buf_add_str(&body, str_of(last));
    }
    answer_poll(s, buf_str(&body));
    buf_free(&body);
}

/* A client that said 1 is answered with 6, any other with 1. */
static const char *last_word(const struct eio_session *s)
{
    return strcmp(s->reason, REASON_CLOSE) == 0 ? "6" : "1";
}

/* --- the end of a loop round --- */

static void answer_goodbye(struct eio_session *s)
{
    struct eio_request *post = s->goodbye;
    s->goodbye = NULL;
    post->session = NULL;
    answer_ok(post);
}

void polling_flush(struct eio_session *s)
{
    if (s->goodbye != NULL && (s->poll != NULL || !s->closing)) answer_goodbye(s);
    if (s->poll == NULL) return;
    if (s->ended && s->closing) {
        /* Alone: what comes in one body with a 1 socket.io-client takes for later, and then hears twice. */
        s->closing = s->count > 0;
        answer_with_queue(s, s->closing ? NULL : last_word(s));
    } else if (s->at.release == 0 && (s->count > 0 || s->probed)) {
        answer_with_queue(s, s->count > 0 ? NULL : "6");
    }
}

void polling_upgraded(struct eio_session *s)
{
    if (s->poll == NULL) return;
    if (s->at.release != 0)
        request_refuse(let_go(s), EIO_REQUEST);
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

static void end_polling(struct eio_session *s, bool politely, const char *why)
{
    (void)why;
    if (politely) {
        s->at.last_poll = now_ms() + LAST_POLL_MS;
        return;
    }
    if (s->poll != NULL) answer_with_queue(s, last_word(s));
    session_drop_queue(s);
}

const struct eio_transport polling_transport = { "polling", flush_later, poll_waits, end_polling };

/* --- requests --- */

static void second_request(struct eio_session *s, struct eio_request *request)
{
    session_end(s, REASON_ERROR, false, "");
    answer_status(request, 400);
}

/* The 5 of an upgrade may have been sent before this GET and be read after it: then it is answered as too late. */
static void wait_for_upgrade(struct eio_session *s)
{
    s->at.release = now_ms() + UPGRADE_GRACE_MS;
    session_arm(s);
}

static bool begin_get(struct eio_session *s, struct eio_request *request, struct str address)
{
    if (s->poll != NULL) {
        second_request(s, request);
        return false;
    }
    session_move(s, address);
    s->poll = request;
    request->session = s;
    if (s->upgrading != NULL) wait_for_upgrade(s);
    session_touch(s);
    CHECK_STEP(session_check(s));
    return true;
}

/* The poll that waits is at the session's address: that is the one that changed networks are asked about. */
static void move_poll(struct eio_session *s, struct str address)
{
    if (s->poll != NULL && address.len > 0 && !str_is(address, s->address)) eio_request_release(s->poll);
    session_move(s, address);
}

static bool begin_post(struct eio_session *s, struct eio_request *request, struct str address, struct str content_type)
{
    if (s->ended) {
        request_refuse(request, EIO_SID);
    } else if (s->post != NULL) {
        second_request(s, request);
    } else if (str_starts(content_type, STR("application/octet-stream"))) {
        session_end(s, REASON_ERROR, false, "");
        answer_status(request, 400);
    } else {
        move_poll(s, address);
        s->post = request;
        request->session = s;
        CHECK_STEP(session_check(s));
        return true;
    }
    return false;
}

bool polling_begin(
    struct eio_session *s, struct eio_request *request, struct str address, struct str method, struct str content_type)
{
    if (!allowance_take(s, 0)) {
        answer_status(request, 429);
        return false;
    }
    if (str_is(method, "GET")) return begin_get(s, request, address);
    if (str_is(method, "POST")) return begin_post(s, request, address, content_type);
    answer_status(request, 400);
    return false;
}

static bool take_packet(struct eio_session *s, struct str packet)
{
    if (packet.len == 0) return false;
    if (!allowance_take(s, packet.len)) return true;
    if (packet.at[0] == 'b') return incoming_base64(s, str_skip(packet, 1));
    incoming_packet(s, packet.at[0], str_skip(packet, 1));
    return true;
}

/* Up to the first bad packet. */
static bool take_packets(struct eio_session *s, struct str body)
{
    struct payload payload = payload_begin(body);
    struct str packet;
    while (!s->ended && payload_next(&payload, &packet))
        if (!take_packet(s, packet)) return false;
    return s->reason == NULL || strcmp(s->reason, REASON_PARSE) != 0;
}

/*
 * The client had a GET under way when it said 1, or sent none: two connections keep no order.  That GET is answered like
 * one that waited.  The client that waits for the answer of this POST finds the session gone.
 */
static void await_last_poll(struct eio_session *s, struct eio_request *post)
{
    s->goodbye = post;
    post->session = s;
    s->closing = true;
    s->at.last_poll = now_ms() + GOODBYE_GRACE_MS;
    session_arm(s);
}

void polling_ready(struct eio_session *s, struct eio_request *request, struct str body)
{
    if (request == s->poll) return;
    bool polls = s->poll != NULL;
    s->post = NULL;
    request->session = NULL;
    if (s->ended) {
        session_touch(s);
        request_refuse(request, EIO_SID);
        return;
    }
    if (body.len > 0 && utf8_is_valid(body.at, body.len) && take_packets(s, body)) {
        if (s->ended && strcmp(s->reason, REASON_FLOOD) == 0)
            answer_status(request, 429);
        else if (s->ended && !polls && strcmp(s->reason, REASON_CLOSE) == 0)
            await_last_poll(s, request);
        else
            answer_ok(request);
        return;
    }
    eio_violation(s, "bad packet");
    answer_status(request, 400);
}

void polling_gone(struct eio_session *s, struct eio_request *request)
{
    request->session = NULL;
    if (request == s->poll) s->poll = NULL;
    if (request == s->post) s->post = NULL;
    if (request == s->goodbye) s->goodbye = NULL;
    if (s->transport == &polling_transport) session_end(s, REASON_ERROR, false, "");
    session_touch(s);
    CHECK_STEP(session_check(s));
}

/* --- from wherever --- */

void eio_take_request(struct eio *eio, struct eio_request *request, struct str sid, struct str address,
    struct str method, struct str content_type, struct str body)
{
    struct eio_session *s;
    enum eio_error e = request_verify_poll(eio, sid, address, &s);
    if (e != EIO_OK)
        request_refuse(request, e);
    else if (polling_begin(s, request, address, method, content_type))
        polling_ready(s, request, body);
}

void eio_request_gone(struct eio_request *request)
{
    if (request->session != NULL) polling_gone(request->session, request);
}

void eio_request_release(struct eio_request *request)
{
    struct eio_session *s = request->session;
    if (s == NULL || s->poll != request) return;
    answer_with_queue(s, s->count > 0 ? NULL : "6");
    CHECK_STEP(session_check(s));
}
