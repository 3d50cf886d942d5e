/*
 * transport.h - byte streams over TCP and TLS: the face that libwebsockets shows to the listener.
 *
 *      socket --> lws (TLS, readiness) --> transport_upper.bytes --> HTTP, WebSocket frames (ours)
 *
 * The library's own HTTP/1 and WebSocket roles are not used: 4.1.6 takes unmasked frames, cannot read a chunked
 * body and drops a request with large headers without an answer.  Its raw role does what it does well.
 */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/base/str.h"

struct conn;
struct ev_loop;
struct lws;
struct tls;
struct transport;

struct transport_upper {
    void (*bytes)(struct conn *conn, char *at, size_t len); /* the bytes may be changed in place */
    void (*writable)(struct conn *conn);                    /* what lws held back has gone out */
    void (*gone)(struct conn *conn);                        /* closed: the last call for this connection */
};

/* At most so many connections.  `tls` has its certificates, and lives as long; NULL: there is none. */
struct transport *transport_create(
    struct ev_loop *loop, const struct transport_upper *upper, size_t most, struct tls *tls);
void transport_destroy(struct transport **transport); /* every connection is `gone` before it returns */

/* Takes the socket; NULL: it is closed, and `gone` was not called. */
struct lws *transport_adopt(struct transport *transport, int fd, bool tls, struct conn *conn);

/* Largest piece that one write hands over. */
#define TRANSPORT_WRITE_MAX 65536
/* All of it is sent or held back; while something is held back do not call it again, but wait for `writable`.
 * false: the connection is dead. */
bool transport_write(struct lws *link, const char *at, size_t len);
bool transport_is_blocked(struct lws *link);
void transport_read_pause(struct lws *link, bool pause);
bool transport_has_input(struct lws *link);   /* bytes came that were not handed on yet */
bool transport_is_resumed(struct lws *link);  /* its TLS goes on with an earlier session */
void transport_established(struct lws *link); /* the library's own timeouts no longer apply */
void transport_shutdown(struct lws *link);    /* no more will be written; the peer reads the end */
void transport_kill(struct lws *link);        /* `gone` follows at once; not from within `bytes` */
