/*
 * connection.h - one connection of the HTTP server, whose bytes a fuzz target brings: all of conn.c, http.c, upgrade.c and
 * ws.c, with memory in the place of sockets and TLS (the functions of transport.h, which keep its promises).
 *
 * A target that includes it is linked with connection.o: see the Makefile.
 */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ev.h>
#include <string.h>

#include "libshared/http/http_private.h"
#include "libshared/http/transport.h"
#include "tests/fuzz/fuzz.h"

#define SENT_BYTES ((size_t)64 << 20)

/* `full`: the socket takes nothing more until the target says so, as one of a slow reader. */
extern struct memory_socket {
    struct buf sent;
    bool full, slow, shut, alive, paused;
} memory_socket;

/* A request whose handler has had enough of its body for this turn. */
extern struct http *resting;

struct http_server *make_server(const struct http_handler *handler);
struct conn *connection_open(struct http_server *l, bool slow);
/* What the loop does between two events: the sweep, and a slow socket that becomes writable. */
void connection_turn(struct http_server *l, struct conn *conn);
/* Brings the bytes in pieces of this size, as far as somebody still reads them. */
void connection_bring(struct http_server *l, struct conn *conn, struct str bytes, size_t piece);
void connection_close(struct http_server *l, struct conn *conn);
