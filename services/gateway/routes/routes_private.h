/* routes_private.h - what the files of routes/ share. */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "services/gateway/routes/routes.h"
#include "services/gateway/identity/refusal.h"
#include "services/gateway/routes/measures.h"

#define REPLY_BYTES_MAX (16u << 20)

/* One event on its way to a service and back.  The socket may close meanwhile. */
struct event_call {
    struct routes *routes;
    struct sio_socket *socket;
    int64_t ack;
    int64_t began_us;
    size_t held;                  /* bytes of the request, until it is answered */
    const struct event_row *row;  /* NULL: a relayed one */
    struct id room;               /* that it changes something in */
    bool orders;                  /* what follows in that room waits for its end */
    int64_t since;                /* JOIN: from where on */
    struct joined_at at;          /* JOIN: and where that is */
    struct membership membership; /* JOIN: what chat said */
    char name[321], role[65];     /* JOIN: what chat said, until the subscription is taken */
    uint32_t can;                 /* JOIN: and which rights, a bit each */
};

/* --- event_call.c --- */
struct event_call *event_call_begin(
    struct routes *routes, struct sio_socket *socket, const struct event_row *row, int64_t ack);
struct client *event_call_client(const struct event_call *call); /* NULL: the socket is closed */
void event_call_end(struct event_call *call);
void event_call_refuse(struct event_call *call, const struct failure *failure);                           /* and end */
void event_call_answer(struct event_call *call, const struct wire_shape *shape, struct str body);         /* and end */
void event_call_answer_with(struct event_call *call, const struct wire_shape *shape, const void *record); /* and end */
/* Asks a service.  The request counts for its sender until it is answered; a sender that has no room for it is refused. */
void event_call_ask(
    struct event_call *call, enum peer_service service, enum method_index method, struct str body, rpc_reply_fn *reply);
/* The service said no: pass on what it said. */
void event_call_failed(struct event_call *call, struct str body);
/* Before there is a call: too often, or too much?  Then refused, and false. */
bool event_charge(struct routes *routes, struct client *client, enum rate_class class, const struct sio_event *event);
/* The same for what the request lists, such as the members to add. */
bool event_charge_items(
    struct routes *routes, struct client *client, enum rate_class class, int64_t items, int64_t ack);
int64_t count_items(const struct wire_shape *shape, const void *record); /* in its lists, and those it asks for */

/* --- events.c --- */
/* An event whose turn has come. */
void routes_event(struct routes *routes, struct client *client, const struct sio_event *event);

/* --- room.c --- */
/* `room` of the event's first argument, decoded; false: it is no object, or names none. */
bool event_room(const struct sio_event *event, struct arena *arena, struct str *room);

/* --- order.c --- */
void order_init(struct routes *routes);
void order_free(struct routes *routes);
/* true: it waits for what its socket is changing in its room, or it was refused because too much waits. */
bool order_waits(struct client *client, const struct sio_event *event);
void order_begin(struct event_call *call, struct client *client); /* from now on it changes something in its room */
void order_end(struct event_call *call);                          /* whatever it was */
void order_forget(struct client *client);

/* --- join.c, relay.c --- */
/* May it hear the room, and, from a seq on, read the log?  Both are asked again when chat has answered. */
bool join_is_allowed(const struct event_call *call, const struct client *client);
void join_entered(void *arg, enum err status, struct str body); /* room.enter has answered a JOIN */
void leave_event(struct event_call *call, struct id room);
void watch_event(struct event_call *call, struct id room); /* or not any more */
void relay_event(struct routes *routes, struct client *client, const struct sio_event *event);

/* --- rest_page.c --- */
