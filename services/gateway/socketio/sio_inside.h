/* sio_inside.h - what the files of socketio/ share. */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/service/metrics.h"
#include "services/gateway/socketio/assembly.h"
#include "services/gateway/socketio/sio.h"

#define SIO_NAMESPACES_MAX 64 /* one bit each in a session's `ended` */

struct sio {
    const struct sio_namespace *nsp[SIO_NAMESPACES_MAX];
    size_t n;
    struct arena *scratch; /* emptied after each message */
    size_t sockets;
    struct metric *events, *violations, *open;
};

struct sio_session {
    struct sio *sio;
    struct eio_session *eio;
    struct sio_socket *first;
    struct sio_assembly *pending;
    uint64_t ended; /* a bit for each namespace that we ended, until it is connected again */
    bool closing;
};

enum sio_state { SIO_PENDING, SIO_OPEN, SIO_CLOSED };

struct sio_socket {
    char sid[EIO_SID_CHARS + 1];
    enum sio_state state;
    unsigned refs;
    struct sio_session *session; /* NULL once closed */
    const struct sio_namespace *nsp;
    void *user;
    struct sio_socket *next;
};

uint64_t sio_namespace_bit(const struct sio *sio, const struct sio_namespace *nsp);
struct sio_socket *sio_socket_create(struct sio_session *session, const struct sio_namespace *nsp);
struct sio_socket *sio_socket_find(struct sio_session *session, struct str nsp);
/* Take it out of its session and tell its namespace. */
void sio_socket_end(struct sio_socket *socket, const char *reason);
