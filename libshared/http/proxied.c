/*
 * proxied.c - a proxy's connection begins with whom it brings.
 *
 *      accepted --header is whole--> the client's limits and bans --> TLS, or HTTP
 *
 * What is not whole is left in the socket, which is not readable again before more has come.
 */
// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "libshared/base/log.h"
#include "libshared/http/conn_private.h"
#include "libshared/http/address/proxy_header.h"

static void give_up(struct conn *conn, const char *why)
{
    LOG_BOUNDED(WARN, "listener.proxy_header", F_TEXT("proxy", conn->address), F_TEXT("why", why));
    conn_count(conn->server->config.metrics.refused, 1);
    conn_free(conn);
}

static void await_bytes(int fd, int n)
{
    setsockopt(fd, SOL_SOCKET, SO_RCVLOWAT, &n, sizeof n);
}

/* It is another's from here on. */
static int leave_fd(struct conn *conn)
{
    int fd = conn->hello.fd;

    ev_io_stop(conn->server->loop, &conn->hello);
    conn->awaits_header = false;
    return fd;
}

static bool is_welcome(struct conn *conn, const struct in6_addr *client)
{
    if (!accept_is_welcome(conn->server, client) || !client_address_begin(conn, client)) return false;
    if (conn->counted) holding_from(&conn->holding, client);
    return true;
}

static void take_header(struct conn *conn, size_t len, const struct in6_addr *client)
{
    char skipped[PROXY_HEADER_MAX];
    int fd = leave_fd(conn);

    if (recv(fd, skipped, len, MSG_DONTWAIT) != (ssize_t)len || (client != NULL && !is_welcome(conn, client))) {
        conn_count(conn->server->config.metrics.refused, 1);
        close(fd);
        conn_free(conn);
        return;
    }
    await_bytes(fd, 1);
    accept_begin(conn, fd);
}

static void on_readable(struct ev_loop *loop, ev_io *io, int events)
{
    struct conn *conn = io->data;
    char bytes[PROXY_HEADER_MAX];
    struct in6_addr client;
    size_t len = 0;

    (void)loop, (void)events;
    ssize_t n = recv(io->fd, bytes, sizeof bytes, MSG_PEEK | MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (n <= 0) {
        conn_free(conn);
        return;
    }
    switch (proxy_header_read((struct str){ bytes, (size_t)n }, &len, &client)) {
    case PROXY_CLIENT: take_header(conn, len, &client); break;
    case PROXY_NOBODY: take_header(conn, len, NULL); break;
    case PROXY_MORE: await_bytes(io->fd, (int)n + 1); break;
    case PROXY_BAD: give_up(conn, "none"); break;
    }
}

void proxied_await_header(struct conn *conn, int fd)
{
    ev_io_init(&conn->hello, on_readable, fd, EV_READ);
    conn->hello.data = conn;
    conn->awaits_header = true;
    ev_io_start(conn->server->loop, &conn->hello);
}

void proxied_leave(struct conn *conn)
{
    if (conn->awaits_header) close(leave_fd(conn));
}
