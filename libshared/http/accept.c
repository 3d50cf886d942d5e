/* accept.c - our own listening sockets: the library's cannot share a port with another process. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/base/clock.h"
#include "libshared/base/log.h"
#include "libshared/base/network.h"
#include "libshared/http/conn_private.h"
#include "libshared/http/transport.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BACKLOG       4096
/* Connections taken before others on the loop have their turn. */
#define ACCEPT_ROUND  64
/* Out of descriptors: try again so much later. */
#define RETRY_SECONDS 0.1

struct accept_point {
    struct accept_point *next;
    struct http_server *server;
    ev_io io;
    ev_timer retry;
    bool tls, redirects;
    bool failing; /* out of descriptors or memory, and it was said */
};

static void exit_bad_address(const char *address, const char *why)
{
    fprintf(stderr, "madang: cannot listen on %s: %s\n", address, why);
    exit(2);
}

/* "127.0.0.1:8443", "[::1]:8443", "localhost:8443"; ":8443" is every address of the machine */
static struct addrinfo *resolve_address(const char *address)
{
    char host[128];
    const char *colon = strrchr(address, ':');
    size_t len = colon == NULL ? 0 : (size_t)(colon - address);
    if (colon == NULL || len >= sizeof host) exit_bad_address(address, "want ADDRESS:PORT");
    const char *from = address;
    if (len >= 2 && address[0] == '[' && address[len - 1] == ']') {
        from++;
        len -= 2;
    }
    memcpy(host, from, len);
    host[len] = '\0';
    struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV }, *found;
    int failed = getaddrinfo(len > 0 ? host : NULL, colon + 1, &hints, &found);
    if (failed) exit_bad_address(address, gai_strerror(failed));
    return found;
}

/* One IPv6 socket takes IPv4 too, so that "localhost" reaches us whatever it resolves to. */
static int try_bind(const struct addrinfo *at)
{
    int one = 1, zero = 0, fd = socket(at->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) return -1;
    if (at->ai_family == AF_INET6) setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &zero, sizeof zero);
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) == 0 &&
        setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof one) == 0 && bind(fd, at->ai_addr, at->ai_addrlen) == 0 &&
        listen(fd, BACKLOG) == 0)
        return fd;
    int why = errno;
    close(fd);
    errno = why;
    return -1;
}

/* A machine without IPv6 has its other address tried; a port that is taken is taken. */
static int bind_socket(const char *address)
{
    struct addrinfo *all = resolve_address(address);
    const int families[] = { AF_INET6, AF_INET };
    int fd = -1;
    errno = EADDRNOTAVAIL;
    for (size_t i = 0; i < COUNT(families) && fd < 0 && errno != EADDRINUSE; i++)
        for (const struct addrinfo *at = all; at != NULL && fd < 0 && errno != EADDRINUSE; at = at->ai_next)
            if (at->ai_family == families[i]) fd = try_bind(at);
    if (fd < 0) exit_bad_address(address, strerror(errno));
    freeaddrinfo(all);
    return fd;
}

static struct in6_addr address_of(const struct sockaddr_storage *from)
{
    if (from->ss_family == AF_INET6) return ((const struct sockaddr_in6 *)from)->sin6_addr;
    struct in6_addr mapped = { .s6_addr = { [10] = 0xff, [11] = 0xff } };
    memcpy(mapped.s6_addr + 12, &((const struct sockaddr_in *)from)->sin_addr, 4);
    return mapped;
}

/* The kernel gives out the lowest that is free: this one says that all below it are taken. */
static bool is_reserved(const struct http_server *server, int fd)
{
    return server->config.descriptors_max > 0 && fd >= server->config.descriptors_max;
}

static bool is_idle(const struct conn *conn)
{
    return (conn->between || conn->state == NULL) && conn->in.len == 0 && !conn->doomed;
}

/* The oldest stand at the end of the list. */
static struct conn *find_idle(const struct http_server *server, const struct conn *but)
{
    struct conn *found = NULL;
    for (struct conn *conn = server->conns; conn != NULL; conn = conn->next)
        if (conn != but && is_idle(conn)) found = conn;
    return found;
}

/* Before this new connection is taken. */
static bool is_room_made(struct http_server *server, const struct conn *conn)
{
    if (server->n_conns <= (size_t)server->config.connections_max) return true;
    struct conn *idle = server->config.idle_gives_way ? find_idle(server, conn) : NULL;
    if (idle != NULL) conn_kill(idle);
    return idle != NULL;
}

/* Nothing has been made for it yet.  A proxy's connections are many people's. */
static bool comes_too_fast(struct http_server *server, const struct in6_addr *peer)
{
    char text[INET6_ADDRSTRLEN];
    if (network_list_has(server->config.trusted_proxies, peer)) return false;
    if (address_rate_take(server->rate, peer, clock_mono_us())) return false;
    address_print(peer, text);
    LOG_BOUNDED(WARN, "listener.address_too_fast", F_TEXT("address", text));
    conn_tell_flooded(server, peer);
    return true;
}

/* A proxy is not its clients. */
static bool is_banned(const struct http_server *server, const struct in6_addr *peer)
{
    return server->config.bans != NULL && !network_list_has(server->config.trusted_proxies, peer) &&
           server->config.bans(server->config.bans_arg, peer);
}

bool accept_is_welcome(struct http_server *server, const struct in6_addr *client)
{
    return !is_banned(server, client) && !comes_too_fast(server, client);
}

/* For TLS with its ClientHello, else at once. */
void accept_begin(struct conn *conn, int fd)
{
    if (conn->tls) {
        share_await_hello(conn, fd);
        return;
    }
    conn->link = transport_adopt(conn->server->transport, fd, false, conn);
    if (conn->link == NULL) conn_free(conn);
}

static void refuse_connection(struct http_server *server, int fd)
{
    conn_count(server->config.metrics.refused, 1);
    close(fd);
}

static void take_socket(struct accept_point *point, int fd, const struct sockaddr_storage *from)
{
    struct http_server *server = point->server;
    int one = 1;
    struct in6_addr peer = address_of(from);
    if (!accept_is_welcome(server, &peer)) {
        refuse_connection(server, fd);
        return;
    }
    struct conn *conn = conn_create(server, point->tls, point->redirects);
    if (is_reserved(server, fd) || !is_room_made(server, conn) || !client_address_begin(conn, &peer) ||
        !conn_open_holding(conn)) {
        refuse_connection(server, fd);
        conn_free(conn);
        return;
    }
    conn_count(server->config.metrics.accepted, 1);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    conn_timer(conn, HEAD_SECONDS);
    if (conn->proxied && server->config.proxies_say == PROXIES_SAY_FIRST)
        proxied_await_header(conn, fd);
    else
        accept_begin(conn, fd);
}

static bool accept_one(struct accept_point *point)
{
    struct sockaddr_storage from;
    socklen_t len = sizeof from;
    int fd = accept4(point->io.fd, (struct sockaddr *)&from, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0) {
        point->failing = false;
        take_socket(point, fd, &from);
        return true;
    }
    if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
        if (!point->failing) LOG(ERROR, "listener.accept_failed", F_TEXT("why", strerror(errno)));
        point->failing = true;
        ev_io_stop(point->server->loop, &point->io);
        ev_timer_set(&point->retry, RETRY_SECONDS, 0);
        ev_timer_start(point->server->loop, &point->retry);
    }
    return errno == ECONNABORTED || errno == EINTR;
}

static void on_readable(struct ev_loop *loop, ev_io *io, int events)
{
    (void)loop, (void)events;
    for (int n = 0; n < ACCEPT_ROUND && accept_one(io->data); n++)
        ;
}

static void on_retry(struct ev_loop *loop, ev_timer *timer, int events)
{
    (void)events;
    struct accept_point *point = timer->data;
    ev_io_start(loop, &point->io);
}

struct accept_point *accept_open(struct http_server *server, const char *address, bool tls, bool redirects)
{
    struct accept_point *point = mem_zero(sizeof *point);
    point->server = server;
    point->tls = tls;
    point->redirects = redirects;
    point->next = server->points;
    ev_io_init(&point->io, on_readable, bind_socket(address), EV_READ);
    ev_timer_init(&point->retry, on_retry, 0, 0);
    point->io.data = point->retry.data = point;
    ev_io_start(server->loop, &point->io);
    LOG(INFO, "listener.open", F_TEXT("address", address), F_BOOL("tls", tls), F_BOOL("redirects", redirects));
    return server->points = point;
}

void accept_drain(struct http_server *server)
{
    for (struct accept_point *point = server->points; point != NULL; point = point->next)
        while (accept_one(point))
            ;
}

void accept_close(struct http_server *server)
{
    while (server->points != NULL) {
        struct accept_point *point = server->points;
        server->points = point->next;
        ev_io_stop(server->loop, &point->io);
        ev_timer_stop(server->loop, &point->retry);
        close(point->io.fd);
        mem_free(point);
    }
}
