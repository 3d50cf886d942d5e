/* local.c - requests and WebSockets that came to this gateway itself. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/base/container_of.h"
#include "services/gateway/engineio/session_private.h"

#include <stdio.h>

/* --- requests --- */

struct local_request {
    struct eio_http_user user;
    struct eio_request base;
    struct http *http;
};

static void answer_request(struct eio_request *base, const struct eio_answer *a)
{
    static const struct http_header_out no_store = { "Cache-Control", { "no-store", 8 } };
    struct http *http = CONTAINER_OF(base, struct local_request, base)->http;
    http_set_user(http, NULL);
    http_reply(http, a->status, a->content_type, a->body, &no_store, a->no_store ? 1 : 0);
}

static void on_request_dropped(struct eio_request *base)
{
    http_set_user(CONTAINER_OF(base, struct local_request, base)->http, NULL);
}

static void on_request_ready(struct eio_http_user *user, struct http *http)
{
    struct local_request *request = CONTAINER_OF(user, struct local_request, user);
    polling_ready(request->base.session, &request->base, http_body(http));
}

static void on_request_gone(struct eio_http_user *user, struct http *http)
{
    (void)http;
    eio_request_gone(&CONTAINER_OF(user, struct local_request, user)->base);
}

int local_request_begin(struct eio_session *s, struct http *http)
{
    struct local_request *request = arena_zero(http_arena(http), sizeof *request);
    *request = (struct local_request){ .user = { on_request_ready, on_request_gone },
        .base = { answer_request, on_request_dropped, NULL, SIZE_MAX },
        .http = http };
    http_set_user(http, request);
    size_t max = allowance_message_max(s);
    if (max < (size_t)s->eio->config.max_payload) http_set_body_max(http, max);
    holding_follow(http_holding(http), eio_holding(s));
    bool taken =
        polling_begin(s, &request->base, http_address(http), http_method(http), http_header(http, "content-type"));
    return taken ? 0 : 400; /* it is answered then */
}

/* --- WebSockets --- */

struct local_channel {
    struct eio_ws_user user;
    struct eio_channel base;
    struct ws *ws;
};

static struct local_channel *local_of(const struct eio_channel *base)
{
    return CONTAINER_OF(base, struct local_channel, base);
}

static bool put_frame(struct eio_channel *base, struct str frame)
{
    return ws_put_frame(local_of(base)->ws, frame);
}

static void want_write(struct eio_channel *base)
{
    ws_want_write(local_of(base)->ws);
}

static void flush_channel(struct eio_channel *base)
{
    ws_flush(local_of(base)->ws);
}

static bool is_blocked(const struct eio_channel *base)
{
    return ws_is_blocked(local_of(base)->ws);
}

static void close_ws(struct eio_channel *base, int code, const char *reason)
{
    struct local_channel *channel = local_of(base);
    ws_set_user(channel->ws, NULL);
    ws_close(channel->ws, code, reason);
    mem_free(channel);
}

static void bound(struct eio_channel *base, bool is_stranger)
{
    ws_set_message_max(local_of(base)->ws, eio_message_max(base->session->eio, is_stranger));
}

static void follow_session(struct eio_channel *base, const struct holding *session)
{
    holding_follow(ws_holding(local_of(base)->ws), session);
}

static const struct eio_channel_way way = { put_frame, want_write, flush_channel, is_blocked, bound, follow_session,
    close_ws };

static void on_ws_message(struct eio_ws_user *user, bool binary, struct str bytes)
{
    eio_channel_message(&CONTAINER_OF(user, struct local_channel, user)->base, binary, bytes);
}

static void on_ws_frame(struct eio_ws_user *user)
{
    eio_channel_frame(&CONTAINER_OF(user, struct local_channel, user)->base);
}

static void on_ws_writable(struct eio_ws_user *user)
{
    eio_channel_writable(&CONTAINER_OF(user, struct local_channel, user)->base);
}

static void on_ws_closed(struct eio_ws_user *user)
{
    struct local_channel *channel = CONTAINER_OF(user, struct local_channel, user);
    ws_set_user(channel->ws, NULL);
    eio_channel_closed(&channel->base);
    mem_free(channel);
}

static const struct eio_ws_reader reader = { on_ws_message, on_ws_frame, on_ws_writable, on_ws_closed };

struct eio_channel *local_channel(struct ws *ws)
{
    struct local_channel *channel = mem_zero(sizeof *channel);
    *channel = (struct local_channel){ .user = { &reader }, .base = { .way = &way }, .ws = ws };
    snprintf(channel->base.address, sizeof channel->base.address, "%.*s", STR_ARG(ws_address(ws)));
    ws_set_user(ws, channel);
    return &channel->base;
}
