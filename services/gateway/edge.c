/* edge.c - what the listener brings goes to Engine.IO or to the routes, by its path. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/service/settings.h"
#include "services/gateway/gateway.h"

static struct str without_slash(struct str path)
{
    return path.len > 1 && path.at[path.len - 1] == '/' ? (struct str){ path.at, path.len - 1 } : path;
}

/* With and without a slash at the end. */
static bool is_path(struct str path, const char *want)
{
    return str_eq(without_slash(path), without_slash(str_of(want)));
}

static struct eio *eio_at(const struct gateway *gateway, struct http *http)
{
    struct str path = http_path(http);

    if (is_path(path, "/socket.io/")) return gateway->socketio;
    if (gateway->msgpack != NULL && is_path(path, settings.gateway.msgpack_path)) return gateway->msgpack;
    if (is_path(path, "/engine.io/")) return gateway->engineio;
    return NULL;
}

static int on_begin(void *arg, struct http *http)
{
    struct eio *eio = eio_at(arg, http);

    if (eio == NULL) return 0;
    http_refuse_bare(http);
    return eio_http_begin(eio, http);
}

/* For load balancers: is this gateway one to send clients to? */
static void answer_health(const struct gateway *gateway, struct http *http)
{
    if (gateway->draining)
        http_reply(http, 503, "application/json", STR("{\"status\":\"leaving\"}"), NULL, 0);
    else
        http_reply(http, 200, "application/json", STR("{\"status\":\"ok\"}"), NULL, 0);
}

static void answer_nobody(struct http *http)
{
    http_reply(http, 404, "application/json",
        STR("{\"success\":false,\"error\":{\"code\":\"no_route\",\"message\":\"No such path\",\"details\":{}}}"), NULL,
        0);
}

static void on_ready(void *arg, struct http *http)
{
    struct gateway *gateway = arg;
    struct eio *eio = eio_at(gateway, http);

    if (eio != NULL)
        eio_http_ready(eio, http);
    else if (str_is(http_path(http), "/healthz"))
        answer_health(gateway, http);
    else if (gateway->service[SERVICE_chat] == NULL)
        answer_nobody(http); /* the conformance configuration */
    else
        routes_http_ready(&gateway->routes, http);
}

static void on_gone(void *arg, struct http *http)
{
    struct eio *eio = eio_at(arg, http);

    if (eio != NULL)
        eio_http_gone(eio, http);
    else
        routes_http_gone(http);
}

static int on_ws_accept(void *arg, struct http *http, struct str *body)
{
    struct eio *eio = eio_at(arg, http);

    if (eio != NULL) return eio_ws_accept(eio, http, body);
    *body = STR("Not found");
    return 404;
}

static void on_ws_open(void *arg, struct ws *ws, struct http *http)
{
    eio_ws_open(eio_at(arg, http), ws, http);
}

static void on_ws_message(void *arg, struct ws *ws, bool binary, struct str bytes)
{
    (void)arg;
    eio_ws_message(ws, binary, bytes);
}

static void on_ws_writable(void *arg, struct ws *ws)
{
    (void)arg;
    eio_ws_writable(ws);
}

static void on_ws_closed(void *arg, struct ws *ws)
{
    (void)arg;
    eio_ws_closed(ws);
}

struct http_server_upper edge_upper(struct gateway *gateway)
{
    return (struct http_server_upper){ .arg = gateway,
        .http_begin = on_begin,
        .http_ready = on_ready,
        .http_gone = on_gone,
        .ws_accept = on_ws_accept,
        .ws_open = on_ws_open,
        .ws_message = on_ws_message,
        .ws_writable = on_ws_writable,
        .ws_closed = on_ws_closed };
}
