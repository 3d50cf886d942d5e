/* conn.h - one client connection: socket, TLS, WebSocket, bytes in and out. */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <netinet/in.h>
#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum conn_state {
    CONN_UNUSED,
    CONN_CONNECTING, /* TCP */
    CONN_SECURING,   /* TLS */
    CONN_UPGRADING,  /* waits for the 101 */
    CONN_OPEN,       /* WebSocket frames */
    CONN_READY,      /* in the namespace: set by the layer above */
    CONN_LOST,
};

struct conn {
    int fd;
    enum conn_state state;
    uint32_t index;  /* which connection of the swarm this is */
    uint32_t number; /* for whoever uses the connection: its room, as a rule */
    uint32_t rest_len, out_len, out_capacity;
    int64_t begun_us;
    bool wants_writable; /* epoll has been asked for EPOLLOUT */
    bool narrow;         /* small buffers in the kernel; kept from one connection to the next, like `number` */
    bool deaf;           /* reads nothing */
    bool unsent;         /* stands in the target's list; kept too */
    SSL *ssl;            /* NULL: plain */
    char *rest;          /* the cut-off frame at the end of the last read */
    char *out;           /* what this turn has for the socket, or what it would not take */
};

/* What every connection of a run shares. */
struct conn_target {
    struct sockaddr_in address;
    const char *host, *path;
    SSL_CTX *tls; /* NULL: plain */
    size_t sources;
    int epoll;
    struct conn *
        *unsent; /* those that have something to send at the end of this turn; as long as there are connections */
    size_t n_unsent;
};

/* Called for each whole text frame, in order. The bytes are only lent. */
typedef void conn_hears(struct conn *conn, const char *text, size_t len);

/* Begin to connect from the index's source address, keeping `number`. False: the reason is in errno. */
bool conn_begin(struct conn *conn, struct conn_target *target, uint32_t index);

/* Do what epoll's events allow. False: the connection is lost, and `*why` says how. */
bool conn_turn(struct conn *conn, struct conn_target *target, uint32_t events, conn_hears *hears, const char **why);

/* Send a frame with this turn's others. */
void conn_send(struct conn *conn, struct conn_target *target, const char *text, size_t len);

/* The end of a turn: what a connection has for its socket leaves in one write. */
void conn_flush_all(struct conn_target *target);

/* Stop to read, or begin again. A deaf connection learns nothing, not even of its end, and must not send. */
void conn_be_deaf(struct conn *conn, struct conn_target *target, bool deaf);

/* Close and free. */
void conn_end(struct conn *conn);
