/* eio.c - Engine.IO on one path: requests and WebSockets find their session here. */
// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/engineio/eio.h"

#include "libshared/service/metrics.h"
#include "libshared/service/settings.h"
#include "services/gateway/engineio/session.h"

#include <assert.h>
#include <string.h>

/* --- the end of a loop round --- */

static void look_at(struct eio_session *s)
{
    polling_flush(s);
    if (s->ended) {
        session_tell_closed(s);
        if (!s->closing && s->poll == NULL && s->post == NULL && !s->dirty) session_free(s);
        return;
    }
    if (s->slow && s->count == 0) {
        s->slow = false;
        s->at.slow = 0;
        heartbeat_arm(s);
        s->eio->upper.drained(s->user, s);
    }
}

static void on_prepare(struct ev_loop *loop, ev_prepare *prepare, int events)
{
    (void)events;
    struct eio *eio = prepare->data;
    struct eio_session *s = eio->dirty, *next;
    eio->dirty = NULL;
    for (; s != NULL; s = next) {
        next = s->dirty_next;
        s->dirty = false;
        look_at(s);
    }
    if (eio->dirty == NULL) ev_idle_stop(loop, &eio->more);
}

static void on_idle(struct ev_loop *loop, ev_idle *idle, int events)
{
    (void)loop, (void)idle, (void)events;
}

static bool is_offered(const char *name)
{
    const char *at = strstr(settings.gateway.transports, name);
    return at != NULL;
}

struct eio *eio_create(struct ev_loop *loop, const struct eio_upper *upper)
{
    struct eio *eio = mem_zero(sizeof *eio);
    eio->loop = loop;
    eio->upper = *upper;
    eio->polling = is_offered("polling");
    eio->websocket = is_offered("websocket");
    eio->gauge = metric_gauge("madang_gateway_sessions", NULL, "Engine.IO sessions");
    ev_prepare_init(&eio->prepare, on_prepare);
    eio->prepare.data = eio;
    ev_prepare_start(loop, &eio->prepare);
    ev_idle_init(&eio->more, on_idle);
    return eio;
}

/* The connections are gone, or nobody's any more. */
static void abolish(struct eio_session *s)
{
    s->reason = s->reason != NULL ? s->reason : "server shutting down";
    session_tell_closed(s);
    if (s->ws != NULL) ws_set_user(s->ws, NULL);
    if (s->upgrading != NULL) ws_set_user(s->upgrading, NULL);
    if (s->poll != NULL) http_set_user(s->poll, NULL);
    if (s->post != NULL) http_set_user(s->post, NULL);
    session_free(s);
}

void eio_destroy(struct eio **eio)
{
    struct eio_session *s, *next;
    if (*eio == NULL) return;
    HASH_ITER(hh, (*eio)->sessions, s, next)
    abolish(s);
    ev_prepare_stop((*eio)->loop, &(*eio)->prepare);
    ev_idle_stop((*eio)->loop, &(*eio)->more);
    mem_free(*eio);
    *eio = NULL;
}

size_t eio_sessions(const struct eio *eio)
{
    return HASH_COUNT(eio->sessions);
}

const struct eio_totals *eio_totals(const struct eio *eio)
{
    return &eio->totals;
}

void eio_each(struct eio *eio, void (*visit)(void *arg, struct eio_session *session), void *arg)
{
    struct eio_session *s, *next;
    HASH_ITER(hh, eio->sessions, s, next)
    if (!s->ended) visit(arg, s);
}

/* --- requests --- */

static void tell_opened(struct eio_session *s, struct http *http)
{
    s->opened = true;
    s->user = s->eio->upper.opened(s->eio->upper.arg, s, http);
}

/* The handshake's answer holds the open packet alone: it goes out before the upper can add to it. */
static int open_by_polling(struct eio *eio, struct http *http)
{
    struct http_header_out no_store = { "Cache-Control", STR("no-store") };
    struct eio_session *s = session_open(eio, &polling_transport, http);
    struct eio_packet *open = eio_packet_take(session_first(s));
    session_pop(s);
    tell_opened(s, http);
    http_reply(http, 200, "text/plain; charset=UTF-8", packet_payload(open), &no_store, 1);
    eio_packet_drop(open);
    return 200;
}

int eio_http_begin(struct eio *eio, struct http *http)
{
    struct eio_session *s;
    const char *text;
    enum eio_error e = request_verify(eio, http, false, &s, &text);
    if (e != EIO_OK) return reply_error(http, e, text);
    return s == NULL ? open_by_polling(eio, http) : polling_begin(s, http);
}

void eio_http_ready(struct eio *eio, struct http *http)
{
    (void)eio;
    struct eio_session *s = http_user(http);
    assert(s != NULL);
    polling_ready(s, http);
}

void eio_http_gone(struct eio *eio, struct http *http)
{
    (void)eio;
    struct eio_session *s = http_user(http);
    if (s != NULL) polling_gone(s, http);
}

/* --- WebSockets --- */

int eio_ws_accept(struct eio *eio, struct http *http, struct str *body)
{
    struct eio_session *s;
    const char *text;
    enum eio_error e = request_verify(eio, http, true, &s, &text);
    if (e == EIO_OK) return 0;
    *body = str_of(text);
    return 400;
}

void eio_ws_open(struct eio *eio, struct ws *ws, struct http *http)
{
    struct str sid;
    if (!http_param(http, "sid", &sid)) {
        struct eio_session *s = session_open(eio, &websocket_transport, http);
        s->ws = ws;
        ws_set_user(ws, s);
        tell_opened(s, http);
        s->transport->flush(s);
        return;
    }
    struct eio_session *s = session_find(eio, sid);
    /* Clients have no ear for a refusal here: they get a 101, and then the end. */
    if (s == NULL || s->ended || s->transport != &polling_transport || s->upgrading != NULL)
        ws_close(ws, 0, "");
    else
        upgrade_begin(s, ws);
}

void eio_ws_message(struct ws *ws, bool binary, struct str bytes)
{
    struct eio_session *s = ws_user(ws);
    if (s == NULL) return;
    if (s->upgrading == ws)
        upgrade_message(s, binary, bytes);
    else if (heartbeat_is_over(s))
        session_end(s, REASON_PING, false, "");
    else
        websocket_message(s, binary, bytes);
}

void eio_ws_writable(struct ws *ws)
{
    struct eio_session *s = ws_user(ws);
    if (s == NULL) return;
    if (s->upgrading == ws)
        upgrade_writable(s);
    else
        websocket_writable(s);
}

void eio_ws_closed(struct ws *ws)
{
    struct eio_session *s = ws_user(ws);
    if (s == NULL) return;
    ws_set_user(ws, NULL);
    if (s->upgrading == ws) {
        upgrade_lost(s);
        return;
    }
    s->ws = NULL;
    s->closing = false;
    session_end(s, REASON_CLOSE, false, "");
    session_touch(s);
}
