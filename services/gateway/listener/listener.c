/* listener.c - the listener as a whole: made from settings, swept before the loop sleeps, and taken down. */
// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/listener/listener.h"

#include "libshared/base/log.h"
#include "libshared/service/metrics.h"
#include "libshared/service/settings.h"
#include "services/gateway/listener/conn.h"
#include "services/gateway/listener/transport.h"

#include <assert.h>
#include <sys/resource.h>

/* Descriptors besides the clients' connections. */
#define OTHER_DESCRIPTORS 512

static void on_prepare(struct ev_loop *loop, ev_prepare *prepare, int events)
{
    (void)loop, (void)events;
    conn_sweep(prepare->data);
}

static void on_idle(struct ev_loop *loop, ev_idle *idle, int events)
{
    (void)loop, (void)idle, (void)events;
}

/* The library makes room for as many descriptors as the limit says: no more than we want to use. */
static void set_descriptor_limit(void)
{
    struct rlimit limit;
    rlim_t wanted = (rlim_t)settings.gateway.connections_max + OTHER_DESCRIPTORS;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0) return;
    limit.rlim_cur = wanted < limit.rlim_max ? wanted : limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    if (limit.rlim_cur < wanted)
        LOG(WARN, "listener.few_descriptors", F_INT("wanted", wanted), F_INT("limit", limit.rlim_cur));
}

static void register_metrics(struct listener *l)
{
    l->gauge = metric_gauge("madang_gateway_connections", NULL, "Open client connections");
    l->accepted = metric_counter("madang_gateway_connections_accepted_total", NULL, "Connections taken");
    l->refused = metric_counter("madang_gateway_connections_refused_total", NULL, "Connections over a limit");
    l->bytes_in = metric_counter("madang_gateway_received_bytes_total", NULL, "Bytes from clients, inside TLS");
    l->bytes_out = metric_counter("madang_gateway_sent_bytes_total", NULL, "Bytes to clients, inside TLS");
}

static void open_sockets(struct listener *l)
{
    const struct settings_gateway *s = &settings.gateway;
    if (s->https[0] != '\0') accept_open(l, s->https, true, false);
    if (s->http[0] != '\0') accept_open(l, s->http, false, !s->plain);
}

struct listener *listener_create(struct ev_loop *loop, const struct listener_upper *upper)
{
    static const struct transport_upper events = { conn_bytes, conn_writable, conn_free };
    const struct settings_gateway *s = &settings.gateway;
    struct listener *l = mem_zero(sizeof *l);
    bool tls = s->https[0] != '\0';

    l->loop = loop;
    l->upper = *upper;
    l->dirty_tail = &l->dirty;
    l->scratch = mem_alloc(TRANSPORT_WRITE_MAX);
    l->origins = origins_create(s->origins);
    l->peers = peers_create();
    register_metrics(l);
    set_descriptor_limit();
    l->transport = transport_create(loop, &events, tls ? s->tls_cert : NULL, tls ? s->tls_key : NULL);
    ev_prepare_init(&l->prepare, on_prepare);
    l->prepare.data = l;
    ev_prepare_start(loop, &l->prepare);
    ev_idle_init(&l->more, on_idle);
    open_sockets(l);
    return l;
}

void listener_destroy(struct listener **listener)
{
    struct listener *l = *listener;
    if (l == NULL) return;
    accept_close(l);
    conn_sweep(l);
    for (struct conn *conn = l->conns; conn != NULL; conn = conn->next) conn_doom(conn);
    conn_sweep(l);
    assert(l->conns == NULL);
    ev_prepare_stop(l->loop, &l->prepare);
    ev_idle_stop(l->loop, &l->more);
    transport_destroy(&l->transport);
    origins_destroy(l->origins);
    peers_destroy(l->peers);
    mem_free(l->scratch);
    mem_free(l);
    *listener = NULL;
}

/* A client that is sent elsewhere would come back on it, and open a session that has to leave again. */
static void close_kept(struct listener *l)
{
    for (struct conn *conn = l->conns; conn != NULL; conn = conn->next)
        if (conn->between) conn_timer(conn, QUIET_SECONDS);
}

void listener_stop_accepting(struct listener *l)
{
    accept_drain(l);
    accept_close(l);
    l->leaving = true;
    close_kept(l);
}

void listener_reload_certificate(struct listener *l)
{
    const struct settings_gateway *s = &settings.gateway;
    bool loaded = transport_reload(l->transport, s->tls_cert, s->tls_key);
    LOG(INFO, "listener.certificate", F_BOOL("loaded", loaded), F_TEXT("path", s->tls_cert));
}

size_t listener_connections(const struct listener *l)
{
    return l->n_conns;
}
