/* sio_private.h - what the files of socketio/ share. */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/base/metrics.h"
#include "services/gateway/socketio/assembly.h"
#include "services/gateway/socketio/codec.h"
#include "services/gateway/socketio/sio.h"

#define SIO_NAMESPACES_MAX 64 /* one bit each in a session's `ended` */

struct sio {
    struct sio_config config;
    const struct sio_namespace *nsp[SIO_NAMESPACES_MAX];
    struct metric *open[SIO_NAMESPACES_MAX]; /* sockets in each */
    size_t n;
    struct arena *scratch; /* emptied after each message */
    size_t sockets;
    bool is_held; /* what clients say waits: held.c */
    struct held_message *held;
    struct metric *events, *violations, *limited;
};

struct sio_session {
    struct sio *sio;
    struct eio_session *eio;
    struct sio_socket *first;
    struct sio_assembly *pending;
    struct held_message *held; /* of what waits, its own */
    uint64_t ended;            /* a bit for each namespace that we ended, until it is connected again */
    unsigned refusals;         /* since one of its sockets was let in */
    bool closing;
    bool msgpack; /* its clients' codec: sio_codec_of() */
};

enum sio_state { SIO_PENDING, SIO_OPEN, SIO_CLOSED };

struct sio_socket {
    char sid[EIO_SID_CHARS + 1];
    enum sio_state state;
    unsigned refs;
    size_t held;                 /* of what its session holds */
    struct sio_session *session; /* NULL once closed */
    const struct sio_namespace *nsp;
    void *user;
    const struct sio_offsets *offsets; /* NULL: its events have none */
    struct sio_socket *next;
};

/* --- sio_session.c --- */
const struct sio_codec *sio_codec_of(const struct sio_session *session);
/* A packet of our own, as text, and its attachments; drops the references. */
void sio_session_send(struct sio_session *session, struct eio_packet *const *packets, unsigned n);
void sio_session_check(const struct sio_session *session); /* see invariant.h */
void sio_violation(struct sio_session *session);
void sio_overflow(struct sio_session *session); /* it holds too much */
/* A refusal costs us more than asking costs the client: a token is verified for it, and an answer waits to be read.
 * So many since one was let in, and the session is over. */
#define SIO_REFUSALS_MAX 32
void sio_refused(struct sio_session *session);
int64_t sio_session_charge_connect(struct sio_session *session);
uint64_t sio_namespace_bit(const struct sio *sio, const struct sio_namespace *nsp);

/* --- socket.c --- */
struct sio_socket *sio_socket_create(struct sio_session *session, const struct sio_namespace *nsp);
struct sio_socket *sio_socket_find(struct sio_session *session, struct str nsp);
/* Take it out of its session and tell its namespace. */
void sio_socket_end(struct sio_socket *socket, const char *reason);

/* --- held.c --- */
void sio_keep_message(struct sio_session *session, bool binary, struct str text);
void sio_drop_kept(struct sio_session *session);

/* --- sio.c --- */
void sio_take_message(struct sio_session *session, bool binary, struct str bytes);
/* A packet, whole, or the first part of one. */
enum sio_turn {
    SIO_IN_TURN,
    SIO_TOO_LATE, /* sent before the client knew that we had ended its socket: nobody's any more */
    SIO_OUT_OF_TURN
};
enum sio_turn sio_turn(struct sio_session *session, const struct sio_packet *packet);
size_t sio_auth_bytes(const struct sio *sio);
/* true: a CONNECT with more JSON than one may bring; it was answered, and is not read. */
bool sio_refuses_large_connect(struct sio_session *session, struct str text);
void sio_take_packet(
    struct sio_session *session, const struct sio_packet *packet, const struct str *parts); /* in turn */
