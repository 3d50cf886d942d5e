/* http_server.c - the server as a whole: made as configured, swept before the loop sleeps, and taken down. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/http/http_server.h"

#include "libshared/base/network.h"
#include "libshared/http/http_private.h"
#include "libshared/http/transport.h"

#include <assert.h>

static bool sweep_connections(void *arg)
{
    bool waits = share_serve(arg);

    return conn_sweep(arg) || waits;
}

static bool is_set(const char *text)
{
    return text != NULL && text[0] != '\0';
}

static void open_sockets(struct http_server *server)
{
    const struct http_server_config *c = &server->config;
    if (is_set(c->https)) accept_open(server, c->https, true, false);
    if (is_set(c->http)) accept_open(server, c->http, false, c->redirect_to != NULL);
}

struct http_server *http_server_create(struct ev_loop *loop, const struct http_server_config *config)
{
    static const struct network_list no_proxies;
    static const struct transport_upper events = { conn_bytes, conn_writable, conn_free };
    struct http_server *server = mem_zero(sizeof *server);
    bool tls = is_set(config->https);

    server->loop = loop;
    server->config = *config;
    if (config->trusted_proxies == NULL) server->config.trusted_proxies = &no_proxies;
    server->protocol = &http_protocol;
    server->dirty_tail = &server->dirty;
    server->scratch = mem_alloc(TRANSPORT_WRITE_MAX);
    server->origins = origins_create(config->origins, config->own_origin);
    server->addresses = address_count_create();
    server->rate = address_rate_create(config->connects_per_s, config->connections_per_address);
    if (tls) renewal_begin(server);
    server->transport = transport_create(loop, &events, (size_t)config->connections_max, tls ? &server->tls : NULL);
    before_sleep_begin(&server->before_sleep, loop, "http_writes", sweep_connections, server);
    open_sockets(server);
    return server;
}

void http_server_destroy(struct http_server **at)
{
    struct http_server *server = *at;
    if (server == NULL) return;
    renewal_stop(server);
    accept_close(server);
    conn_sweep(server);
    for (struct conn *conn = server->conns; conn != NULL; conn = conn->next) conn_doom(conn);
    conn_sweep(server);
    assert(server->conns == NULL);
    before_sleep_end(&server->before_sleep);
    transport_destroy(&server->transport);
    renewal_end(server);
    http_mounts_free(server);
    origins_destroy(server->origins);
    address_count_destroy(server->addresses);
    address_rate_destroy(server->rate);
    mem_free(server->scratch);
    mem_free(server);
    *at = NULL;
}

/* A client that is sent elsewhere would come back on it, and open a session that has to leave again. */
static void close_kept(struct http_server *server)
{
    for (struct conn *conn = server->conns; conn != NULL; conn = conn->next)
        if (conn->between) conn_timer(conn, QUIET_SECONDS);
}

void http_server_stop_accepting(struct http_server *server)
{
    accept_drain(server);
    accept_close(server);
    server->leaving = true;
    close_kept(server);
}

size_t http_server_connections(const struct http_server *server)
{
    return server->n_conns;
}
