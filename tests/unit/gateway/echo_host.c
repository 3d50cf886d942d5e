/* echo_host.c - the HTTP server and Engine.IO alone, with an echo on their paths: what the protocol suites talk to. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/base/log.h"
#include "libshared/service/settings.h"
#include "services/gateway/gateway.h"

#include <ev.h>
#include <signal.h>

static struct eio *eio;
static struct http_server *server;

/* --- the echo --- */

static void *opened(void *arg, struct eio_session *session, struct http *http)
{
    (void)arg, (void)http;
    eio_connected(session);
    return NULL;
}

static void message(void *user, struct eio_session *session, bool binary, struct str bytes)
{
    (void)user;
    struct eio_packet *packet = binary ? eio_packet_binary(bytes) : eio_packet_text(bytes);
    eio_send(session, packet);
    eio_packet_drop(packet);
}

static void drained(void *user, struct eio_session *session)
{
    (void)user, (void)session;
}

static void closed(void *user, struct eio_session *session, const char *reason)
{
    (void)user;
    LOG(DEBUG, "echo.closed", F_TEXT("reason", reason), F_TEXT("transport", eio_transport(session)));
}

/* --- requests --- */

static bool is_ours(const struct http *http)
{
    static const char *const paths[] = { "/engine.io/", "/engine.io", "/socket.io/", "/socket.io" };
    for (size_t i = 0; i < COUNT(paths); i++)
        if (str_is(http_path(http), paths[i])) return true;
    return false;
}

static int http_begin(void *arg, struct http *http)
{
    (void)arg;
    return is_ours(http) ? eio_http_begin(eio, http) : 404;
}

static void http_ready(void *arg, struct http *http)
{
    (void)arg;
    eio_http_ready(eio, http);
}

static void http_gone(void *arg, struct http *http)
{
    (void)arg;
    eio_http_gone(eio, http);
}

static int ws_accept(void *arg, struct http *http, struct str *body)
{
    (void)arg;
    return is_ours(http) ? eio_ws_accept(eio, http, body) : 404;
}

static void ws_open(void *arg, struct ws *ws, struct http *http)
{
    (void)arg;
    eio_ws_open(eio, ws, http);
}

static void ws_message(void *arg, struct ws *ws, bool binary, struct str bytes)
{
    (void)arg;
    eio_ws_message(ws, binary, bytes);
}

static void ws_writable(void *arg, struct ws *ws)
{
    (void)arg;
    eio_ws_writable(ws);
}

static void ws_closed(void *arg, struct ws *ws)
{
    (void)arg;
    eio_ws_closed(ws);
}

/* --- the process --- */

static void on_stop(struct ev_loop *loop, ev_signal *watcher, int events)
{
    (void)watcher, (void)events;
    ev_break(loop, EVBREAK_ALL);
}

static void on_reload(struct ev_loop *loop, ev_signal *watcher, int events)
{
    (void)loop, (void)watcher, (void)events;
    http_server_reload_certificate(server);
}

int main(void)
{
    static const struct eio_upper echo = {
        .opened = opened,
        .message = message,
        .drained = drained,
        .closed = closed,
    };
    static const struct http_server_upper upper = {
        .http_begin = http_begin,
        .http_ready = http_ready,
        .http_gone = http_gone,
        .ws_accept = ws_accept,
        .ws_open = ws_open,
        .ws_message = ws_message,
        .ws_writable = ws_writable,
        .ws_closed = ws_closed,
    };
    enum log_level level = LOG_INFO;
    ev_signal stop, reload;

    settings_load();
    log_level_parse(str_of(settings.common.log_level), &level);
    log_init("echo", level);
    signal(SIGPIPE, SIG_IGN);

    struct ev_loop *loop = ev_default_loop(0);
    struct http_server_config config = edge_config();
    eio = eio_create(loop, &echo);
    descriptors_limit();
    server = http_server_create(loop, &config, &upper);
    ev_signal_init(&stop, on_stop, SIGTERM);
    ev_signal_start(loop, &stop);
    ev_signal_init(&reload, on_reload, SIGHUP);
    ev_signal_start(loop, &reload);
    LOG(INFO, "echo.ready");
    ev_run(loop, 0);

    eio_destroy(&eio);
    http_server_destroy(&server);
    ev_signal_stop(loop, &stop);
    ev_signal_stop(loop, &reload);
    return 0;
}
