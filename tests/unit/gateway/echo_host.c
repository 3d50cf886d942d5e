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
    enum log_level level = LOG_INFO;
    ev_signal stop, reload;

    settings_load();
    log_level_parse(str_of(settings.common.log_level), &level);
    log_init("echo", level);
    signal(SIGPIPE, SIG_IGN);

    struct ev_loop *loop = ev_default_loop(0);
    descriptors_limit(&settings.gateway);
    struct http_server_config config = config_http(&settings);
    struct eio_config eio_config = config_eio(&settings);
    eio = eio_create(loop, &eio_config, &echo);
    server = http_server_create(loop, &config);
    http_mount(server, "/engine.io/", &eio_handler, eio);
    http_mount(server, "/socket.io/", &eio_handler, eio);
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
