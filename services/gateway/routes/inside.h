/* inside.h - what the files of routes/ share. */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "services/gateway/routes/routes.h"
#include "services/gateway/session/refusal.h"

#define REPLY_BYTES_MAX (16u << 20)

/* One event on its way to a service and back.  The socket may close meanwhile. */
struct on_call {
    struct routes *routes;
    struct sio_socket *socket;
    int64_t ack;
    const struct on_row *row; /* NULL: a relayed one */
    struct id room;           /* JOIN: which one, and from where on */
    int64_t since, seq;
    char name[321], role[65]; /* JOIN: what chat said, until the seat is taken */
};

/* --- on_call.c --- */
struct on_call *on_call_begin(struct routes *routes, struct sio_socket *socket, const struct on_row *row, int64_t ack);
struct client *on_call_client(const struct on_call *call); /* NULL: the socket is closed */
void on_call_end(struct on_call *call);
void on_call_refuse(struct on_call *call, const struct failure *failure);                   /* and end */
void on_call_answer(struct on_call *call, const struct wire_shape *shape, struct str body); /* and end */
/* The service said no: pass on what it said. */
void on_call_failed(struct on_call *call, struct str body);
/* Before there is a call: too often?  Then refused, and false. */
bool on_rate(struct routes *routes, struct client *client, enum rate_class class, int64_t ack);

/* --- join.c, relay.c --- */
void join_entered(void *arg, enum err status, struct str body); /* room.enter has answered a JOIN */
void leave_event(struct on_call *call, struct id room);
void relay_event(struct routes *routes, struct client *client, const struct sio_event *event);
