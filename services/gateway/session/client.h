/*
 * client.h - sockets with an identity: let in by a token, held to its policy, ended with it.
 *
 *      CONNECT {token} --> verified, may connect here? --> open --auth:refresh--> open, with the new token's rights
 *                                                           |  \--what is trusted changes--> asked again, at once
 *                                                           +--token:expiring ... token's end--> error, DISCONNECT
 */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ev.h>

#include "services/gateway/rooms/halls.h"
#include "services/gateway/session/bearer.h"
#include "services/gateway/session/rates.h"

struct clients;
struct lifeline;
struct order;

struct client {
    struct clients *home;
    size_t index;
    struct sio_socket *socket;
    struct rights rights;
    ev_timer token; /* to its warning, then to its end */
    bool warned;
    struct guest guest;        /* for the upper, as is what follows */
    struct lifeline *lifeline; /* NULL: it can't be taken up again */
    struct order *order;       /* NULL: nothing of its waits or is waited for */
};

struct clients_upper {
    void *arg;
    /* Who has the right to connect.  true: it is taken care of, by clients_enter or clients_refuse, now or later, and so
     * are the rights.  May be NULL. */
    bool (*entering)(
        void *arg, struct clients *clients, struct sio_socket *socket, struct rights *rights, struct str auth);
    void (*opened)(void *arg, struct client *client, struct str auth);
    void (*event)(void *arg, struct client *client, const struct sio_event *event);
    void (*drained)(void *arg, struct client *client);
    void (*changed)(void *arg, struct client *client); /* its rights; it may still connect */
    void (*closed)(void *arg, struct client *client, const char *reason);
};

struct clients *clients_create(
    struct ev_loop *loop, struct bearers *bearers, struct rates *rates, const struct clients_upper *upper);
void clients_destroy(struct clients **clients);
/* A namespace for sio_add(); name must outlive it. */
struct sio_namespace clients_namespace(struct clients *clients, const char *name);
void clients_review(struct clients *clients); /* what is trusted has changed */
size_t clients_count(const struct clients *clients);
void clients_each(struct clients *clients, void (*visit)(void *arg, struct client *client), void *arg);

/* Let a pending socket in, and take over the rights.  sid, pid: as for sio_accept_as. */
struct client *clients_enter(struct clients *clients, struct sio_socket *socket, const struct rights *rights,
    struct str auth, const char *sid, const char *pid);
/* rights: whose, for the log; they may be empty. */
void clients_refuse(struct clients *clients, struct sio_socket *socket, const struct rights *rights, enum err e);
/* After a while: may they still connect to its namespace, from its address? */
enum err clients_check(struct clients *clients, const struct sio_socket *socket, struct rights *rights) MUST_CHECK;

bool client_may(const struct client *client, struct str event, struct str room, enum policy_action action);
/* For the head of a request; views that live as long as the client keeps its token. */
struct principal client_principal(const struct client *client);
