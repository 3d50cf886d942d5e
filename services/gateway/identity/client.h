/*
 * client.h - sockets with an identity: let in by a token, held to its policy, ended with it.
 *
 *      CONNECT {token} --> verified, may connect here? --> open --auth:refresh--> open, with the new token's rights
 *                                                           |  \--what is trusted changes--> asked again, at once
 *                                                           +--token:expiring ... token's end--> error, DISCONNECT
 *
 * What else a socket has is the business of features (feature.h), of which this knows only that there are some.
 */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ev.h>

#include "services/gateway/identity/feature.h"
#include "services/gateway/identity/handshakes.h"
#include "services/gateway/rates/rates.h"

#define CLIENT_FEATURES_MAX 16

struct client {
    struct clients *home;
    struct sio_socket *socket;
    struct rights rights;
    struct index_socket of_token; /* found by whom and what its token names */
    ev_timer token;               /* to its warning, then to its end, */
    int64_t ends_at;              /* which is then */
    uint32_t index;
    bool warned;
    bool is_concerned; /* by the change that is being obeyed */
};                     /* its features' slots follow */

/* bearers NULL: every client is let in, without an identity. */
/* warning_s: so long before a token ends its client is told; 0: it is not. */
struct clients *clients_create(struct ev_loop *loop, struct bearers *bearers, struct rates *rates, int64_t warning_s);
/* Each handshake is noted there; before the first socket. */
void clients_keep_handshakes(struct clients *clients, struct handshakes *handshakes);
void clients_destroy(struct clients **clients);
/* In the order of `index`, each once, before the first socket.  object NULL: there is none of this feature here. */
void clients_add_feature(struct clients *clients, unsigned index, const struct client_feature *feature, void *object);
/* A namespace for sio_add(); name must outlive it. */
struct sio_namespace clients_namespace(struct clients *clients, const char *name);
struct sio_connect_rate clients_connect_rate(struct clients *clients); /* for sio_create() */
void clients_review(struct clients *clients); /* anything that is trusted may have changed: everybody */
/* What the page says has changed: the sockets that it is about.  How many that were. */
size_t clients_obey(struct clients *clients, const struct trust *page);
/* Of an open socket; NULL: it is in a namespace where nobody has an identity. */
struct client *clients_find(const struct clients *clients, struct sio_socket *socket);
size_t clients_count(const struct clients *clients);
void clients_each(struct clients *clients, void (*visit)(void *arg, struct client *client), void *arg);
void clients_service_up(struct clients *clients, struct service_part part);
void clients_stop(struct clients *clients); /* after the last socket, before the pipes end */
bool clients_service_event(
    struct clients *clients, struct service_part part, const struct frame_event *head, struct str body);

/* Let a pending socket in; the rights are the client's from then on. */
struct client *clients_admit(struct arrival *arrival);
void clients_refuse(struct arrival *arrival, enum err e);
/* After a while: may they still connect to its namespace, from its address? */
enum err clients_check(struct clients *clients, const struct sio_socket *socket, struct rights *rights) MUST_CHECK;

bool client_may(const struct client *client, struct str event, struct str room, enum policy_action action);
/* For the head of a request; views that live as long as the client keeps its token. */
struct principal client_principal(const struct client *client);

/* So many messages were read that it missed.  false: that was more than its rate. */
bool client_charge_missed(const struct client *client, size_t n, struct rate_state *over);
bool arrival_charge_missed(const struct arrival *arrival, size_t n, struct rate_state *over); /* it is on its way in */

void *client_slot(struct client *client, unsigned feature); /* NULL: there is none of this feature here */
/* All that its features want saved of it now. */
void client_save(struct client *client, struct arena *arena, struct record *out);
void client_touch(struct client *client); /* some of that has changed */
/* From rooms: it hears this one from now on, and no more. */
void client_entered(struct client *client, struct id room);
void client_left(struct client *client, struct id room);
