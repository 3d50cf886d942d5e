/* eio.c - Engine.IO on one path: requests and WebSockets find their session here. */
// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/engineio/eio.h"

#include "libshared/base/invariant.h"
#include "services/gateway/engineio/session_private.h"

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
        session_arm(s);
        s->eio->upper.drained(s->user, s);
    }
}

static bool look_at_dirty(void *arg)
{
    struct eio *eio = arg;
    struct eio_session *s = eio->dirty, *next;
    eio->dirty = NULL;
    for (; s != NULL; s = next) {
        next = s->dirty_next;
        s->dirty = false;
        CHECK_STEP(session_check(s));
        look_at(s);
    }
    return eio->dirty != NULL;
}

struct eio *eio_create(struct ev_loop *loop, const struct eio_config *config, const struct eio_upper *upper)
{
    const char *sessions = "madang_gateway_sessions", *sessions_help = "Engine.IO sessions";
    const char *upgrades = "madang_gateway_upgrades_total", *upgrades_help = "Upgrades from polling that ended";
    const char *floods = "madang_gateway_floods_total", *help = "Connections closed for sending more than one may";
    struct eio *eio = mem_zero(sizeof *eio);
    eio->loop = loop;
    eio->config = *config;
    eio->upper = *upper;
    eio->polling = strstr(config->transports, "polling") != NULL;
    eio->websocket = strstr(config->transports, "websocket") != NULL;
    eio->addresses = address_count_create();
    eio->on_polling = metric_gauge(sessions, "transport=\"polling\"", sessions_help);
    eio->on_websocket = metric_gauge(sessions, "transport=\"websocket\"", sessions_help);
    eio->upgraded = metric_counter(upgrades, "result=\"upgraded\"", upgrades_help);
    eio->not_upgraded = metric_counter(upgrades, "result=\"given_up\"", upgrades_help);
    eio->floods = metric_counter(floods, "who=\"known\"", help);
    eio->strange_floods = metric_counter(floods, "who=\"stranger\"", help);
    eio->agents = agents_create();
    before_sleep_begin(&eio->before_sleep, loop, "engineio_sessions", look_at_dirty, eio);
    return eio;
}

static void abandon_channel(struct eio_channel *channel)
{
    channel->session = NULL;
    channel->way->close(channel, 1001, "");
}

static void drop_request(struct eio_request *request)
{
    request->session = NULL;
    request->dropped(request);
}

/* The connections are nobody's any more. */
static void abolish_session(struct eio_session *s)
{
    s->reason = s->reason != NULL ? s->reason : "server shutting down";
    session_tell_closed(s);
    if (s->ws != NULL) abandon_channel(s->ws);
    if (s->upgrading != NULL) abandon_channel(s->upgrading);
    if (s->poll != NULL) drop_request(s->poll);
    if (s->post != NULL) drop_request(s->post);
    if (s->goodbye != NULL) drop_request(s->goodbye);
    session_free(s);
}

void eio_destroy(struct eio **eio)
{
    struct eio_session *s, *next;
    if (*eio == NULL) return;
    HASH_ITER(hh, (*eio)->sessions, s, next) abolish_session(s);
    before_sleep_end(&(*eio)->before_sleep);
    assert((*eio)->walks == NULL);
    agents_destroy(&(*eio)->agents);
    address_count_destroy((*eio)->addresses);
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

void eio_set_mesh(struct eio *eio, const struct eio_mesh *mesh)
{
    eio->mesh = *mesh;
}

/* --- requests --- */

static void begin_session(struct eio_session *s, struct http *http)
{
    heartbeat_begin(s);
    s->opened = true;
    s->user = s->eio->upper.opened(s->eio->upper.arg, s, http);
}

/* The handshake's answer holds the open packet alone: it goes out before the upper can add to it. */
static int open_by_polling(struct eio *eio, struct http *http)
{
    struct http_header_out no_store = { "Cache-Control", STR("no-store") };
    struct eio_session *s = session_open(eio, &polling_transport, http);
    struct eio_packet *open = eio_packet_take(session_packet(s, 0));
    session_pop(s, 1);
    begin_session(s, http);
    http_reply(http, 200, "text/plain; charset=UTF-8", packet_payload(open), &no_store, 1);
    eio_packet_drop(open);
    return 200;
}

static bool goes_elsewhere(struct eio *eio, struct http *http, struct str sid)
{
    return sid.len == EIO_SID_CHARS && eio->mesh.http_begin != NULL && eio->mesh.http_begin(eio->mesh.arg, http, sid);
}

static int on_begin(void *arg, struct http *http)
{
    struct eio *eio = arg;
    struct eio_session *s;
    struct str sid;
    const char *text;
    http_refuse_bare(http);
    enum eio_error e = request_verify(eio, http, false, &s, &sid, &text);
    if (e == EIO_SID && goes_elsewhere(eio, http, sid)) return 0;
    if (e != EIO_OK) return reply_error(http, e, text);
    return s == NULL ? open_by_polling(eio, http) : local_request_begin(s, http);
}

static void on_ready(void *arg, struct http *http)
{
    (void)arg;
    struct eio_http_user *user = http_user(http);
    assert(user != NULL);
    user->ready(user, http);
}

static void on_gone(void *arg, struct http *http)
{
    (void)arg;
    struct eio_http_user *user = http_user(http);
    if (user != NULL) user->gone(user, http);
}

/* --- WebSockets --- */

static bool upgrades_elsewhere(struct eio *eio, struct str sid)
{
    return sid.len == EIO_SID_CHARS && eio->mesh.ws_accept != NULL && eio->mesh.ws_accept(eio->mesh.arg, sid);
}

static int on_ws_accept(void *arg, struct http *http, struct str *body)
{
    struct eio *eio = arg;
    struct eio_session *s;
    struct str sid;
    const char *text;
    enum eio_error e = request_verify(eio, http, true, &s, &sid, &text);
    if (e == EIO_OK || (e == EIO_SID && upgrades_elsewhere(eio, sid))) return 0;
    *body = str_of(text);
    return 400;
}

static void open_by_ws(struct eio *eio, struct ws *ws, struct http *http)
{
    struct eio_session *s = session_open(eio, &websocket_transport, http);
    s->ws = local_channel(ws);
    s->ws->session = s;
    allowance_bound(s);
    begin_session(s, http);
    s->transport->flush(s);
}

static void on_ws_open(void *arg, struct ws *ws, struct http *http)
{
    struct eio *eio = arg;
    struct str sid;
    if (!http_param(http, "sid", &sid)) {
        open_by_ws(eio, ws, http);
        return;
    }
    if (session_find(eio, sid) == NULL && upgrades_elsewhere(eio, sid)) {
        eio->mesh.ws_open(eio->mesh.arg, ws, sid);
        return;
    }
    struct eio_channel *channel = local_channel(ws);
    /* Clients have no ear for a refusal here: they get a 101, and then the end. */
    if (!eio_take_upgrade(eio, channel, sid)) channel->way->close(channel, 0, "");
}

static void on_ws_message(void *arg, struct ws *ws, bool binary, struct str bytes)
{
    (void)arg;
    struct eio_ws_user *user = ws_user(ws);
    if (user != NULL) user->reader->message(user, binary, bytes);
}

static void on_ws_frame(void *arg, struct ws *ws)
{
    (void)arg;
    struct eio_ws_user *user = ws_user(ws);
    if (user != NULL) user->reader->frame(user);
}

static void on_ws_writable(void *arg, struct ws *ws)
{
    (void)arg;
    struct eio_ws_user *user = ws_user(ws);
    if (user != NULL) user->reader->writable(user);
}

static void on_ws_closed(void *arg, struct ws *ws)
{
    (void)arg;
    struct eio_ws_user *user = ws_user(ws);
    if (user != NULL) user->reader->closed(user);
}

static const struct ws_handler ws_handler = {
    .accept = on_ws_accept,
    .open = on_ws_open,
    .message = on_ws_message,
    .frame = on_ws_frame,
    .writable = on_ws_writable,
    .closed = on_ws_closed,
};

static const char *list_methods(void *arg, struct http *http)
{
    (void)arg, (void)http;
    return "GET, POST";
}

const struct http_handler eio_handler = {
    .begin = on_begin,
    .ready = on_ready,
    .gone = on_gone,
    .allows = list_methods,
    .ws = &ws_handler,
};
