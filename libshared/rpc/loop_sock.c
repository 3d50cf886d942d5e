/* loop_sock.c - a ZeroMQ socket on a libev loop. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/rpc/loop.h"

#include <assert.h>
#include <zmq.h>

#include "libshared/base/arena.h"

struct loop_sock {
    struct ev_loop *loop;
    void *socket;
    void (*readable)(void *);
    void *arg;
    ev_io io;
    ev_idle again;
};

/* `again` has the highest priority because idle watchers of the lowest starve on a busy loop; libev still runs it
 * but once a turn, so everyone else has a turn as well. */
static void pump(struct loop_sock *sock)
{
    sock->readable(sock->arg);

    int events = 0;
    size_t size = sizeof(events);
    int rc = zmq_getsockopt(sock->socket, ZMQ_EVENTS, &events, &size);
    if (rc == 0 && (events & ZMQ_POLLIN))
        ev_idle_start(sock->loop, &sock->again);
    else
        ev_idle_stop(sock->loop, &sock->again);
}

static void on_io(struct ev_loop *loop, ev_io *io, int revents)
{
    (void)loop, (void)revents;
    pump(io->data);
}

static void on_again(struct ev_loop *loop, ev_idle *idle, int revents)
{
    (void)loop, (void)revents;
    pump(idle->data);
}

struct loop_sock *loop_sock_create(struct ev_loop *loop, void *zmq_socket, void (*readable)(void *), void *arg)
{
    struct loop_sock *sock = mem_zero(sizeof(*sock));
    int fd = -1;
    size_t size = sizeof(fd);
    int rc = zmq_getsockopt(zmq_socket, ZMQ_FD, &fd, &size);
    assert(rc == 0 && "a live ZeroMQ socket has a descriptor");
    (void)rc;

    *sock = (struct loop_sock){ .loop = loop, .socket = zmq_socket, .readable = readable, .arg = arg };
    ev_io_init(&sock->io, on_io, fd, EV_READ);
    ev_idle_init(&sock->again, on_again);
    ev_set_priority(&sock->again, EV_MAXPRI);
    sock->io.data = sock->again.data = sock;
    ev_io_start(loop, &sock->io);
    ev_idle_start(loop, &sock->again); /* something may have arrived before we watched */
    return sock;
}

void loop_sock_destroy(struct loop_sock **sock)
{
    if (*sock == NULL) return;
    ev_io_stop((*sock)->loop, &(*sock)->io);
    ev_idle_stop((*sock)->loop, &(*sock)->again);
    mem_free(*sock);
    *sock = NULL;
}

void loop_sock_nudge(struct loop_sock *sock)
{
    ev_idle_start(sock->loop, &sock->again);
}
