/*
 * rpc_accept.c - accept4(), as all of this process calls it, libzmq too: descriptors are kept from whoever connects.
 *
 * libzmq 4.3.4 has no bound on connections.  Out of descriptors it aborts when an ipc listener accepts (EMFILE is not
 * among what src/ipc_listener.cpp tolerates), and with a tcp listener its thread turns around without sleeping.  A
 * stranger without a key needs a few hundred connections for that.  What both listeners tolerate is ECONNABORTED: a
 * connection that was over before it was taken.  So one that would use what is kept for our own (the database, Redis,
 * new pipes) is closed, and so reported.  A definition in the program stands before the C library's, for all libraries.
 */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/rpc/rpc_accept.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Descriptors kept, or a quarter of few. */
#define RESERVE 64

static _Atomic int64_t refused;

int64_t rpc_accept_refused(void)
{
    return refused;
}

/* Asked each time, for the limit may be changed from outside. */
static bool is_kept(int fd)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return false;
    rlim_t reserve = limit.rlim_cur / 4 < RESERVE ? limit.rlim_cur / 4 : RESERVE;
    return (rlim_t)fd >= limit.rlim_cur - reserve; /* the kernel gives out the lowest that is free */
}

static bool is_ipc(int listener)
{
    int domain = 0;
    socklen_t len = sizeof domain;

    return getsockopt(listener, SOL_SOCKET, SO_DOMAIN, &domain, &len) == 0 && domain == AF_UNIX;
}

static int refuse_accept(void)
{
    refused++;
    errno = ECONNABORTED;
    return -1;
}

__attribute__((visibility("default"))) int accept4(int listener, struct sockaddr *from, socklen_t *len, int flags)
{
    int fd = (int)syscall(SYS_accept4, listener, from, len, flags);

    if (fd >= 0) {
        if (!is_kept(fd)) return fd;
        close(fd);
        return refuse_accept();
    }
    /* What is kept was used up by ourselves.  Others take EMFILE for what it is. */
    if (errno != EMFILE || !is_ipc(listener)) return fd;
    return refuse_accept();
}
