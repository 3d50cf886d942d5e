/*
 * connection.h - one connection of the HTTP server, whose bytes a fuzz target brings: all of conn.c, http.c, upgrade.c and
 * ws.c, with memory in the place of sockets and TLS (the functions of transport.h, which keep its promises).
 *
 * To be included once, by a target.
 */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ev.h>
#include <string.h>

#include "libshared/http/http_private.h"
#include "libshared/http/transport.h"
#include "tests/fuzz/fuzz.h"

#define SENT_BYTES ((size_t)64 << 20)

/* `full`: the socket takes nothing more until the target says so, as one of a slow reader. */
static struct {
    struct buf sent;
    bool full, slow, shut, alive, paused;
} socket_;

/* A request whose handler has had enough of its body for this turn. */
static struct http *resting;

/* --- what transport.c does otherwise --- */

/* Connections begin behind it. */
struct lws *transport_adopt(struct transport *transport, int fd, bool tls, struct conn *conn)
{
    (void)transport, (void)fd, (void)tls, (void)conn;
    abort();
}

bool transport_write(struct lws *link, const char *at, size_t len)
{
    PROMISE(link != NULL && socket_.alive && !socket_.full && !socket_.shut && len > 0 && len <= TRANSPORT_WRITE_MAX);
    buf_add(&socket_.sent, at, len);
    socket_.full = socket_.slow;
    return true;
}

bool transport_is_blocked(struct lws *link)
{
    (void)link;
    return socket_.full;
}

void transport_read_pause(struct lws *link, bool pause)
{
    PROMISE(link != NULL && pause != socket_.paused);
    socket_.paused = pause;
}

/* All that came was brought. */
bool transport_has_input(struct lws *link)
{
    PROMISE(link != NULL);
    return false;
}

void transport_established(struct lws *link)
{
    PROMISE(link != NULL);
}

void transport_shutdown(struct lws *link)
{
    PROMISE(link != NULL && !socket_.shut);
    socket_.shut = true;
}

void transport_kill(struct lws *link)
{
    PROMISE(socket_.alive);
    socket_.alive = false;
    conn_free((struct conn *)link);
}

/* --- the connection --- */

static bool never(void *arg)
{
    (void)arg;
    return false;
}

static struct http_server *make_server(const struct http_handler *handler)
{
    struct http_server *l = mem_zero(sizeof *l);
    static struct network_list proxies;
    struct str bad;

    PROMISE(network_list_parse(STR("::/32"), &proxies, &bad)); /* the peer is :: */
    l->config = (struct http_server_config){
        .trusted_proxies = &proxies,
        .connections_max = 100,
        .connections_per_address = 100,
        .body_max = 4096,
        .message_max = 4096,
        .compress = true,
    };
    l->protocol = &http_protocol;
    l->loop = ev_loop_new(0);
    l->dirty_tail = &l->dirty;
    l->scratch = mem_alloc(TRANSPORT_WRITE_MAX);
    l->origins = origins_create("https://good.example");
    l->addresses = address_count_create();
    before_sleep_begin(&l->before_sleep, l->loop, "", never, NULL); /* its loop never runs */
    http_mount(l, "/*", handler, NULL);
    return l;
}

static struct conn *connection_open(struct http_server *l, bool slow)
{
    struct conn *conn = conn_create(l, false, false);

    PROMISE(client_address_begin(conn, &in6addr_any));
    conn->link = (struct lws *)conn;
    socket_.slow = slow;
    socket_.full = socket_.shut = socket_.paused = false;
    socket_.alive = true;
    socket_.sent = BUF(SENT_BYTES);
    return conn;
}

/* What the loop does between two events: the sweep, and a slow socket that becomes writable. */
static void connection_turn(struct http_server *l, struct conn *conn)
{
    conn_sweep(l);
    while (socket_.alive && (resting != NULL || socket_.full || l->dirty != NULL || l->doomed != NULL)) {
        struct http *http = resting;
        resting = NULL;
        if (http != NULL) http_pause(http, false);
        socket_.full = false;
        conn_writable(conn);
        conn_sweep(l);
    }
    PROMISE(!socket_.sent.over);
}

/* Brings the bytes in pieces of this size, as far as somebody still reads them. */
static void connection_bring(struct http_server *l, struct conn *conn, struct str bytes, size_t piece)
{
    while (bytes.len > 0 && socket_.alive && !socket_.paused) {
        size_t n = bytes.len < piece ? bytes.len : piece;
        char *part = memcpy(mem_alloc(n), bytes.at, n); /* so that a byte too far is seen */
        conn_bytes(conn, part, n);
        mem_free(part);
        bytes = str_skip(bytes, n);
        connection_turn(l, conn);
    }
}

static void connection_close(struct http_server *l, struct conn *conn)
{
    if (socket_.alive) conn_free(conn);
    socket_.alive = false;
    PROMISE(l->conns == NULL && l->dirty == NULL && l->doomed == NULL && l->n_conns == 0);
    PROMISE(l->dirty_tail == &l->dirty);
}
