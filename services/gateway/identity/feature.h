/*
 * feature.h - features: what hangs on each socket with an identity.
 *
 *      CONNECT   identify: whose token is it, may it connect? -> arrive of each feature
 *                resume: the first feature that takes it, and admits or refuses it later; or begin
 *                admit: CONNECT is answered
 *                open, and restore where there is a record, of one feature after the other
 *      event     the first feature that takes it
 *      drained, changed, touched, entered, left: each
 *      closed    each, backwards
 *
 * The order is that of services/gateway/features.def, for fresh and for resumed sockets, wherever their bytes come from.
 * What a feature keeps of a socket lies in its slot of the client's memory: client_slot().
 */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/rpc/rpc_client.h"
#include "services/gateway/methods.h"
#include "services/gateway/identity/bearer.h"
#include "services/gateway/identity/saved.h"
#include "services/gateway/socketio/sio.h"

struct client;
struct clients;

/* A socket on its way in. */
struct arrival {
    struct clients *clients;
    struct sio_socket *socket;
    struct rights rights;        /* empty where nobody needs a token */
    struct str auth;             /* what came with the CONNECT */
    const char *sid, *pid;       /* as for sio_accept_as */
    const struct record *record; /* what it goes on with; NULL: nothing of it is saved, now or before */
    const char *owner;           /* of the record, by who took it over; NULL: it is new */
    int64_t retry_ms;            /* of a refusal */
};

/* Any hook may be NULL.  `object` is the feature's own, as it was added. */
struct client_feature {
    size_t slot_bytes; /* zeroes when the socket opens */
    /* Something that costs as much as a CONNECT, by the Engine.IO sid: 0, or milliseconds until the next one is welcome. */
    int64_t (*charge_connect)(void *object, struct str eio_sid);
    enum err (*arrive)(void *object, struct arrival *arrival); /* not OK: it is refused */
    /* true: it has taken over the rights, and admits or refuses the socket now or later.  The texts live during the call. */
    bool (*resume)(void *object, struct arrival *arrival);
    void (*open)(void *object, struct client *client, const struct arrival *arrival);
    void (*restore)(void *object, struct client *client, const struct record *record);
    /* What is to be saved of it now, into fields of its own; texts and lists live in the arena or as long as the slot. */
    void (*save)(void *object, struct client *client, struct arena *arena, struct record *out);
    void (*touched)(void *object, struct client *client); /* what some feature saves has changed */
    bool (*event)(void *object, struct client *client, const struct sio_event *event); /* true: it was mine */
    void (*drained)(void *object, struct client *client); /* it was slow, and is not any more */
    void (*changed)(void *object, struct client *client); /* its rights; it may still connect */
    /* It hears this room from now on, also after it was taken up again; and no more.  They come in pairs, of sockets that
     * end, too, for features that stand above `rooms`.  Nobody joins or leaves from within. */
    void (*entered)(void *object, struct client *client, struct id room);
    void (*left)(void *object, struct client *client, struct id room);
    void (*closed)(void *object, struct client *client, const char *reason);
    /* Of the services: a pipe is up, an event came; true: it was mine. */
    void (*service_up)(void *object, struct service_part part);
    bool (*service_event)(void *object, struct service_part part, const struct frame_event *head, struct str body);
    void (*stop)(void *object);    /* the last socket is closed; the pipes are not, and may still answer */
    void (*destroy)(void *object); /* and now they are */
};
