/* client_private.h - what client.c, connect.c and client_features.c share. */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/base/metrics.h"
#include "services/gateway/identity/client.h"

struct clients {
    struct ev_loop *loop;
    struct bearers *bearers; /* NULL: nobody needs a token */
    struct rates *rates;
    struct handshakes *handshakes; /* NULL: nobody keeps them */
    int64_t warning_s;             /* before a token ends */
    struct {
        const struct client_feature *is;
        void *object; /* NULL: there is none here */
        size_t slot;  /* where it begins behind the client */
    } features[CLIENT_FEATURES_MAX];
    unsigned n_features;
    size_t slot_bytes; /* of all features */
    struct client **at;
    size_t n, cap;
    struct metric *accepted, *refused, *reviewed;
    struct metric *obeyed_by_requests, *obeyed_by_sockets; /* how long a change took to get here */
};

/* client.c: a new one, not yet accepted. */
struct client *client_create(struct clients *clients, struct sio_socket *socket, const struct rights *rights);
void client_start_timer(struct client *client);

/* connect.c */
void clients_on_connect(void *arg, struct sio_socket *socket, struct str auth);
/* The rights of the token in an object of JSON. */
enum err client_identify(
    struct clients *clients, const struct sio_socket *socket, struct str object, struct rights *out, int64_t *retry_ms);

/* client_features.c: all of them, one after the other. */
enum err features_arrive(struct arrival *arrival);
bool features_resume(struct arrival *arrival);
void features_open(struct client *client, const struct arrival *arrival);
void features_event(struct client *client, const struct sio_event *event);
void features_drained(struct client *client);
void features_changed(struct client *client);
void features_closed(struct client *client, const char *reason);
