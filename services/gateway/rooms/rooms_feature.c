/* rooms_feature.c - the rooms of a socket, through its life. */
// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/rooms/halls_inside.h"

struct guest *client_subscriber(struct client *client)
{
    return client_slot(client, FEATURE_rooms);
}

static void begin_guest(void *object, struct client *client, const struct arrival *arrival)
{
    (void)arrival;
    guest_begin(client_subscriber(client), object, client->socket, bearer_subject(client->rights.bearer));
}

static void restore_seats(void *object, struct client *client, const struct record *record)
{
    struct guest *guest = client_subscriber(client);

    (void)object;
    guest_track(guest, record->epoch, record->next_mark);
    for (size_t i = 0; i < record->n; i++) guest_resume(guest, &record->marks[i], record->sent[i]);
}

static void save_seats(void *object, struct client *client, struct arena *arena, struct record *out)
{
    const struct guest *guest = client_subscriber(client);

    (void)object;
    out->epoch = guest->epoch;
    out->next_mark = guest->next_mark;
    out->marks = arena_alloc(arena, (guest->n + 1) * sizeof *out->marks);
    for (size_t i = 0; i < guest->n; i++)
        if (guest_mark(guest, i, &out->marks[out->n])) out->n++;
}

static void go_on(void *object, struct client *client)
{
    (void)object;
    guest_drained(client_subscriber(client));
}

static bool may_still_hear(void *arg, struct id room)
{
    char text[ID_TEXT_BYTES + 1];

    id_format(room, text);
    return client_may(arg, STR("room:join"), str_of(text), POLICY_SUBSCRIBE);
}

static void review_seats(void *object, struct client *client)
{
    struct guest *guest = client_subscriber(client);

    (void)object;
    guest->subject = bearer_subject(client->rights.bearer);
    guest_review(guest, may_still_hear, client);
}

static void leave_all(void *object, struct client *client, const char *reason)
{
    (void)object, (void)reason;
    guest_end(client_subscriber(client));
}

static void on_service_up(void *object, enum peer_service service)
{
    if (service == SERVICE_chat) halls_chat_up(object);
    if (service == SERVICE_store) halls_store_up(object);
}

static bool on_service_event(void *object, enum peer_service service, const struct frame_event *head, struct str body)
{
    return service == SERVICE_chat && halls_event(object, head, body);
}

static void destroy(void *object)
{
    struct halls *halls = object;

    halls_destroy(&halls);
}

const struct client_feature rooms_feature = { .slot_bytes = sizeof(struct guest),
    .open = begin_guest,
    .restore = restore_seats,
    .save = save_seats,
    .drained = go_on,
    .changed = review_seats,
    .closed = leave_all,
    .service_up = on_service_up,
    .service_event = on_service_event,
    .destroy = destroy };
