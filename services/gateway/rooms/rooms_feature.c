/* rooms_feature.c - the rooms of a socket, through its life. */
// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/rooms/rooms_private.h"

struct subscriber *client_subscriber(struct client *client)
{
    return client_slot(client, FEATURE_rooms);
}

static void begin_subscriber(void *object, struct client *client, const struct arrival *arrival)
{
    (void)arrival;
    subscriber_begin(client_subscriber(client), object, client->socket, bearer_subject(client->rights.bearer));
}

static void restore_subscriptions(void *object, struct client *client, const struct record *record)
{
    struct subscriber *subscriber = client_subscriber(client);

    (void)object;
    subscriber_track(subscriber, record->epoch, record->next_room_no);
    for (size_t i = 0; i < record->n; i++)
        subscriber_resume(subscriber, &record->rooms[i], record->memberships[i], record->sent[i]);
}

static void save_subscriptions(void *object, struct client *client, struct arena *arena, struct record *out)
{
    const struct subscriber *subscriber = client_subscriber(client);

    (void)object;
    out->epoch = subscriber->epoch;
    out->next_room_no = subscriber->next_room_no;
    out->rooms = arena_alloc(arena, (subscriber->n + 1) * sizeof *out->rooms);
    for (size_t i = 0; i < subscriber->n; i++)
        if (subscriber_room_start(subscriber, i, &out->rooms[out->n])) out->n++;
}

static void note_drained(void *object, struct client *client)
{
    (void)object;
    subscriber_drained(client_subscriber(client));
}

static bool may_still_hear(void *arg, struct id room_id)
{
    char text[ID_TEXT_BYTES + 1];

    id_format(room_id, text);
    return client_may(arg, STR("room:join"), str_of(text), POLICY_SUBSCRIBE);
}

static void review_subscriptions(void *object, struct client *client)
{
    struct subscriber *subscriber = client_subscriber(client);

    (void)object;
    subscriber->subject = bearer_subject(client->rights.bearer);
    subscriber_review(subscriber, may_still_hear, client);
}

static void leave_all(void *object, struct client *client, const char *reason)
{
    (void)object, (void)reason;
    subscriber_end(client_subscriber(client));
}

static void on_service_up(void *object, struct service_part part)
{
    if (part.service == SERVICE_chat) rooms_chat_up(object, part);
    if (part.service == SERVICE_store) rooms_recheck(object, part);
}

static bool on_service_event(void *object, struct service_part part, const struct frame_event *head, struct str body)
{
    return part.service == SERVICE_chat && rooms_take_event(object, part, head, body);
}

static void destroy_rooms(void *object)
{
    struct rooms *rooms = object;

    rooms_destroy(&rooms);
}

const struct client_feature rooms_feature = { .slot_bytes = sizeof(struct subscriber),
    .open = begin_subscriber,
    .restore = restore_subscriptions,
    .save = save_subscriptions,
    .drained = note_drained,
    .changed = review_subscriptions,
    .closed = leave_all,
    .service_up = on_service_up,
    .service_event = on_service_event,
    .destroy = destroy_rooms };
