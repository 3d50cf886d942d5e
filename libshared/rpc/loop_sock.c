/* loop_sock.c - a ZeroMQ socket on a libev loop. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/rpc/loop.h"

#include <assert.h>
#include <zmq.h>

#include "libshared/base/arena.h"
#include "libshared/base/turn.h"
#include "libshared/rpc/rpc_socket.h"

/* One socket's share of a turn: what a message causes can cost much, and then the time ends it. */
#define MESSAGES_A_TURN 256
#define SHARE_US        2000

struct loop_sock {
    struct ev_loop *loop;
    void *socket;
    bool (*read_one)(void *);
    void *arg;
    unsigned turn; /* in which it had its share */
    bool touched;  /* since the last look at what it has */
    ev_io io;
    ev_idle again;
    ev_prepare before_sleep;
};

/* false: there was nothing left to read, so that the descriptor tells of the next message. */
static bool read_share(struct loop_sock *sock)
{
    int64_t end_us = turn_us() + SHARE_US;

    for (int n = 0; n < MESSAGES_A_TURN; n++) {
        if (!sock->read_one(sock->arg)) return false;
        if (turn_us() >= end_us) return true;
    }
    return true;
}

/* `again` has the highest priority because idle watchers of the lowest starve on a busy loop; libev still runs it
 * but once a turn, so everyone else has a turn as well.  Both may fire in one turn: the descriptor's news then wait for
 * the next. */
static void pump_socket(struct loop_sock *sock)
{
    bool more = sock->turn == ev_iteration(sock->loop) || read_share(sock);

    sock->turn = ev_iteration(sock->loop);
    if (more)
        ev_idle_start(sock->loop, &sock->again);
    else
        ev_idle_stop(sock->loop, &sock->again);
}

/* What was done with the socket in this turn may have taken the descriptor's news of what has arrived.  One look for all of it, when
 * nothing else is left to do, for each costs ZeroMQ two system calls. */
static void on_before_sleep(struct ev_loop *loop, ev_prepare *prepare, int revents)
{
    struct loop_sock *sock = prepare->data;
    (void)loop, (void)revents;
    if (!sock->touched || ev_is_active(&sock->again)) return;
    sock->touched = false;
    if (rpc_socket_events(sock->socket) & ZMQ_POLLIN) ev_idle_start(sock->loop, &sock->again);
}

static void on_io(struct ev_loop *loop, ev_io *io, int revents)
{
    (void)loop, (void)revents;
    pump_socket(io->data);
}

static void on_again(struct ev_loop *loop, ev_idle *idle, int revents)
{
    (void)loop, (void)revents;
    pump_socket(idle->data);
}

struct loop_sock *loop_sock_create(struct ev_loop *loop, void *zmq_socket, bool (*read_one)(void *), void *arg)
{
    struct loop_sock *sock = mem_zero(sizeof *sock);
    int fd = -1;
    size_t size = sizeof fd;
    int rc = zmq_getsockopt(zmq_socket, ZMQ_FD, &fd, &size);
    assert(rc == 0 && "a live ZeroMQ socket has a descriptor");
    (void)rc;

    *sock = (struct loop_sock){ .loop = loop, .socket = zmq_socket, .read_one = read_one, .arg = arg };
    ev_io_init(&sock->io, on_io, fd, EV_READ);
    ev_idle_init(&sock->again, on_again);
    ev_set_priority(&sock->again, EV_MAXPRI);
    ev_prepare_init(&sock->before_sleep, on_before_sleep);
    ev_set_priority(&sock->before_sleep, EV_MINPRI); /* behind those that send at the end of a turn */
    sock->io.data = sock->again.data = sock->before_sleep.data = sock;
    ev_prepare_start(loop, &sock->before_sleep);
    ev_io_start(loop, &sock->io);
    ev_idle_start(loop, &sock->again); /* something may have arrived before we watched */
    return sock;
}

void loop_sock_destroy(struct loop_sock **sock)
{
    if (*sock == NULL) return;
    ev_io_stop((*sock)->loop, &(*sock)->io);
    ev_idle_stop((*sock)->loop, &(*sock)->again);
    ev_prepare_stop((*sock)->loop, &(*sock)->before_sleep);
    mem_free(*sock);
    *sock = NULL;
}

/* --- what may take the descriptor's news --- */

int loop_sock_put(struct loop_sock *sock, zmq_msg_t *msg, int more)
{
    sock->touched = true;
    return rpc_socket_put(sock->socket, msg, more);
}

int loop_sock_put_bytes(struct loop_sock *sock, const void *bytes, size_t len, int more)
{
    sock->touched = true;
    return rpc_socket_put_bytes(sock->socket, bytes, len, more);
}

int loop_sock_connect(struct loop_sock *sock, const char *endpoint)
{
    sock->touched = true;
    return rpc_socket_connect(sock->socket, endpoint);
}

int loop_sock_disconnect(struct loop_sock *sock, const char *endpoint)
{
    sock->touched = true;
    return rpc_socket_disconnect(sock->socket, endpoint);
}

void loop_sock_settle(struct loop_sock *sock)
{
    sock->touched = true;
    (void)rpc_socket_events(sock->socket);
}
