/* client_features.c - the features of sockets with an identity, one after the other. */
// SPDX-License-Identifier: Apache-2.0
#include <assert.h>
#include <stdalign.h>

#include "services/gateway/identity/client_private.h"

#define FEATURE_DO(clients, i, hook, ...)                                                                              \
    do {                                                                                                               \
        if ((clients)->features[i].object != NULL && (clients)->features[i].is->hook != NULL)                          \
            (clients)->features[i].is->hook((clients)->features[i].object, __VA_ARGS__);                               \
    } while (0)

static bool has_hook(const struct clients *clients, unsigned i, bool hook)
{
    return clients->features[i].object != NULL && hook;
}

static size_t whole_slots(size_t bytes)
{
    return (bytes + alignof(uint64_t) - 1) / alignof(uint64_t) * alignof(uint64_t);
}

void clients_add_feature(struct clients *clients, unsigned index, const struct client_feature *feature, void *object)
{
    assert(index == clients->n_features && index < CLIENT_FEATURES_MAX && clients->n == 0);
    clients->features[index].is = feature;
    clients->features[index].object = object;
    clients->features[index].slot = clients->slot_bytes;
    clients->n_features++;
    if (object != NULL) clients->slot_bytes += whole_slots(feature->slot_bytes);
}

void *client_slot(struct client *client, unsigned feature)
{
    const struct clients *home = client->home;

    assert(feature < home->n_features && home->features[feature].is->slot_bytes > 0);
    if (home->features[feature].object == NULL) return NULL;
    return (char *)(client + 1) + home->features[feature].slot;
}

/* --- on the way in --- */

static int64_t charge_connect(void *arg, struct str eio_sid)
{
    struct clients *clients = arg;
    int64_t wait_ms = 0;

    for (unsigned i = 0; i < clients->n_features && wait_ms == 0; i++)
        if (has_hook(clients, i, clients->features[i].is->charge_connect != NULL))
            wait_ms = clients->features[i].is->charge_connect(clients->features[i].object, eio_sid);
    return wait_ms;
}

struct sio_connect_rate clients_connect_rate(struct clients *clients)
{
    return (struct sio_connect_rate){ clients, charge_connect };
}

enum err features_arrive(struct arrival *arrival)
{
    struct clients *clients = arrival->clients;

    for (unsigned i = 0; i < clients->n_features; i++)
        if (has_hook(clients, i, clients->features[i].is->arrive != NULL))
            TRY(clients->features[i].is->arrive(clients->features[i].object, arrival));
    return OK;
}

bool features_resume(struct arrival *arrival)
{
    struct clients *clients = arrival->clients;

    for (unsigned i = 0; i < clients->n_features; i++)
        if (has_hook(clients, i, clients->features[i].is->resume != NULL) &&
            clients->features[i].is->resume(clients->features[i].object, arrival))
            return true;
    return false;
}

void features_open(struct client *client, const struct arrival *arrival)
{
    struct clients *clients = client->home;

    for (unsigned i = 0; i < clients->n_features; i++) {
        FEATURE_DO(clients, i, open, client, arrival);
        if (arrival->record != NULL) FEATURE_DO(clients, i, restore, client, arrival->record);
    }
}

/* --- while it is open --- */

void features_event(struct client *client, const struct sio_event *event)
{
    struct clients *clients = client->home;

    for (unsigned i = 0; i < clients->n_features; i++)
        if (has_hook(clients, i, clients->features[i].is->event != NULL) &&
            clients->features[i].is->event(clients->features[i].object, client, event))
            return;
}

void features_drained(struct client *client)
{
    struct clients *clients = client->home;

    for (unsigned i = 0; i < clients->n_features; i++) FEATURE_DO(clients, i, drained, client);
}

void features_changed(struct client *client)
{
    struct clients *clients = client->home;

    for (unsigned i = 0; i < clients->n_features; i++) FEATURE_DO(clients, i, changed, client);
}

void client_entered(struct client *client, struct id room)
{
    struct clients *clients = client->home;

    for (unsigned i = 0; i < clients->n_features; i++) FEATURE_DO(clients, i, entered, client, room);
}

void client_left(struct client *client, struct id room)
{
    struct clients *clients = client->home;

    for (unsigned i = clients->n_features; i-- > 0;) FEATURE_DO(clients, i, left, client, room);
}

void client_touch(struct client *client)
{
    struct clients *clients = client->home;

    for (unsigned i = 0; i < clients->n_features; i++) FEATURE_DO(clients, i, touched, client);
}

void client_save(struct client *client, struct arena *arena, struct record *out)
{
    struct clients *clients = client->home;

    for (unsigned i = 0; i < clients->n_features; i++) FEATURE_DO(clients, i, save, client, arena, out);
}

void features_closed(struct client *client, const char *reason)
{
    struct clients *clients = client->home;

    for (unsigned i = clients->n_features; i-- > 0;) FEATURE_DO(clients, i, closed, client, reason);
}

/* --- with the services, and at the end --- */

void clients_service_up(struct clients *clients, struct service_part part)
{
    for (unsigned i = 0; i < clients->n_features; i++) FEATURE_DO(clients, i, service_up, part);
}

bool clients_service_event(
    struct clients *clients, struct service_part part, const struct frame_event *head, struct str body)
{
    for (unsigned i = 0; i < clients->n_features; i++)
        if (has_hook(clients, i, clients->features[i].is->service_event != NULL) &&
            clients->features[i].is->service_event(clients->features[i].object, part, head, body))
            return true;
    return false;
}

void clients_stop(struct clients *clients)
{
    for (unsigned i = clients->n_features; i-- > 0;)
        if (has_hook(clients, i, clients->features[i].is->stop != NULL))
            clients->features[i].is->stop(clients->features[i].object);
}
