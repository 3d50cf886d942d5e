/*
 * share.c - what strangers cost is a share of each turn of the loop: their handshakes, and the reading of what they send.
 *
 *      accepted --ClientHello is there--> in line --its turn--> TLS
 *      bytes, and the share is used up -> in line --its turn--> its protocol
 *
 * All of them stand in one line, whoever they are and however many: so one of somebody who is known waits for no more than
 * the share, and they for each other.  Whose connection belongs to a subject is no stranger.
 */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/base/clock.h"
#include "libshared/http/conn_private.h"
#include "libshared/http/transport.h"

#include <unistd.h>
#include <utlist.h>

/* One step more may follow when it is nearly used up: a handshake costs a millisecond at most. */
#define SHARE_US 4000

static bool is_strangers(const struct conn *conn)
{
    return !conn->known && holding_is_open(&conn->holding) && holding_is_strangers(&conn->holding);
}

static bool is_used_up(const struct http_server *server)
{
    return server->share_us >= SHARE_US;
}

static void stand_in_line(struct conn *conn)
{
    struct http_server *server = conn->server;

    conn->waits = true;
    DL_APPEND2(server->line, conn, line_prev, line_next);
    conn_pause(conn);
    before_sleep_wake(&server->before_sleep);
}

static void leave_line(struct conn *conn)
{
    if (!conn->waits) return;
    conn->waits = false;
    DL_DELETE2(conn->server->line, conn, line_prev, line_next);
}

void share_bytes(struct conn *conn, char *at, size_t len)
{
    struct http_server *server = conn->server;
    int64_t began_us = clock_mono_us();

    if (conn->lingering || !is_strangers(conn)) {
        conn_take(conn, at, len);
    } else if (server->line != NULL || is_used_up(server)) {
        conn_keep(conn, at, len);
        if (!conn->waits && !conn->doomed) stand_in_line(conn);
    } else {
        conn_take(conn, at, len);
        server->share_us += clock_mono_us() - began_us;
    }
}

/* --- before TLS --- */

static void on_hello(struct ev_loop *loop, ev_io *io, int events)
{
    struct conn *conn = io->data;

    (void)events;
    ev_io_stop(loop, io);
    stand_in_line(conn);
}

void share_await_hello(struct conn *conn, int fd)
{
    ev_io_init(&conn->hello, on_hello, fd, EV_READ);
    conn->hello.data = conn;
    conn->awaits_hello = true;
    ev_io_start(conn->server->loop, &conn->hello);
}

static void forget_hello(struct conn *conn)
{
    ev_io_stop(conn->server->loop, &conn->hello);
    conn->awaits_hello = false;
}

/* With its ClientHello there, the library works with the private key before this returns. */
static void begin_tls(struct conn *conn)
{
    int fd = conn->hello.fd;

    forget_hello(conn);
    conn->link = transport_adopt(conn->server->transport, fd, true, conn);
    if (conn->link == NULL) conn_free(conn);
}

void share_leave(struct conn *conn)
{
    leave_line(conn);
    if (!conn->awaits_hello) return;
    forget_hello(conn);
    close(conn->hello.fd);
}

/* --- the end of a turn --- */

static void serve_conn(struct conn *conn)
{
    leave_line(conn);
    if (conn->awaits_hello)
        begin_tls(conn);
    else if (!conn->doomed)
        conn_go_on(conn);
}

bool share_serve(struct http_server *server)
{
    int64_t began_us = clock_mono_us() - server->share_us;

    while (server->line != NULL && clock_mono_us() - began_us < SHARE_US) serve_conn(server->line);
    server->share_us = 0;
    if (server->line != NULL) conn_count(server->config.metrics.full_shares, 1);
    return server->line != NULL;
}
