/* ephemeral.c - ephemeral events of a room: at once or never; of state the newest, when a slow socket can take it again. */
// SPDX-License-Identifier: Apache-2.0
#include <string.h>

#include "services/gateway/rooms/rooms_private.h"

#define STATES_MAX 32

struct latest_state {
    struct id room;
    char event[129];
    struct eio_packet *packet;
};

/* One event as packets, made once. */
struct event_packets {
    struct eio_packet *at[1 + SIO_MAX_ATTACHMENTS];
    unsigned n;
};

static bool cut_attachment(struct str *bytes, struct str *out)
{
    if (bytes->len < 4) return false;
    const unsigned char *b = (const unsigned char *)bytes->at;
    size_t len = (size_t)b[0] << 24 | (size_t)b[1] << 16 | (size_t)b[2] << 8 | b[3];
    if (bytes->len - 4 < len) return false;
    *out = (struct str){ bytes->at + 4, len };
    *bytes = str_skip(*bytes, 4 + len);
    return true;
}

static void release_packets(struct event_packets *carried)
{
    for (unsigned i = 0; i < carried->n; i++) eio_packet_drop(carried->at[i]);
}

static bool make_packets(const struct relay *relay, struct event_packets *out)
{
    unsigned count = (unsigned)relay->count;
    struct str left = relay->attachments, part;

    out->at[0] = sio_packet_make(count > 0 ? SIO_BINARY_EVENT : SIO_EVENT, relay->namespace, -1, count, relay->args);
    for (out->n = 1; out->n <= count; out->n++) {
        if (!cut_attachment(&left, &part)) return false;
        out->at[out->n] = eio_packet_binary(part);
    }
    return true;
}

static bool is_same(const struct latest_state *state, struct id room, struct str event)
{
    return id_eq(state->room, room) && str_is(event, state->event);
}

static void release_state(struct subscriber *subscriber, struct latest_state *state)
{
    sio_release(subscriber->socket, sizeof *state + eio_packet_bytes(state->packet));
    eio_packet_drop(state->packet);
}

bool subscriber_keep_state(struct subscriber *subscriber, struct id room, struct str event, struct eio_packet *packet)
{
    unsigned i = 0;

    while (i < subscriber->n_states && !is_same(&subscriber->states[i], room, event)) i++;
    if (i == STATES_MAX || event.len >= sizeof subscriber->states->event) return false;
    if (sio_hold(subscriber->socket, sizeof *subscriber->states + eio_packet_bytes(packet)) != OK) return false;
    if (i == subscriber->n_states) {
        subscriber->states = mem_grow(subscriber->states, ++subscriber->n_states * sizeof *subscriber->states);
        memset(&subscriber->states[i], 0, sizeof subscriber->states[i]);
        subscriber->states[i].room = room;
        memcpy(subscriber->states[i].event, event.at, event.len);
    } else {
        release_state(subscriber, &subscriber->states[i]);
    }
    subscriber->states[i].packet = eio_packet_take(packet);
    return true;
}

void subscriber_drop_states(struct subscriber *subscriber)
{
    for (unsigned i = 0; i < subscriber->n_states; i++) release_state(subscriber, &subscriber->states[i]);
    mem_free(subscriber->states);
    subscriber->states = NULL;
    subscriber->n_states = 0;
}

void subscriber_send_states(struct subscriber *subscriber)
{
    for (unsigned i = 0; i < subscriber->n_states; i++) sio_send(subscriber->socket, subscriber->states[i].packet);
    subscriber_drop_states(subscriber);
}

static void keep_or_drop(struct subscriber *subscriber, const struct relay *relay, const struct event_packets *carried)
{
    if (relay->state && carried->n == 1)
        (void)subscriber_keep_state(subscriber, relay->room, relay->event, carried->at[0]);
    else
        metric_add(subscriber->home->dropped, 1);
}

/* A block is between them. */
static bool is_hidden_from(const struct relay *relay, struct str subject)
{
    for (size_t i = 0; i < relay->hidden_from.len; i++)
        if (str_eq(relay->hidden_from.at[i], subject)) return true;
    return false;
}

static bool is_to_hear(const struct subscription *subscription, const struct relay *relay)
{
    return subscription->state != SUBSCRIPTION_WAITING &&
           str_eq(sio_nsp(subscription->subscriber->socket), relay->namespace) &&
           !str_is(relay->origin, sio_sid(subscription->subscriber->socket)) &&
           !is_hidden_from(relay, subscription->subscriber->subject);
}

static void deliver_packets(struct local_room *room, const struct relay *relay, const struct event_packets *carried)
{
    for (size_t i = 0; i < room->n; i++) {
        struct subscriber *subscriber = room->subscriptions[i]->subscriber;
        if (!is_to_hear(room->subscriptions[i], relay)) continue;
        if (sio_is_slow(subscriber->socket))
            keep_or_drop(subscriber, relay, carried);
        else
            sio_send_parts(subscriber->socket, carried->at, carried->n);
    }
}

void rooms_take_relay(struct rooms *rooms, const struct relay *relay)
{
    struct local_room *room = local_room_find(rooms, relay->room);
    struct event_packets carried = { .n = 0 };

    if (room == NULL) return;
    if (make_packets(relay, &carried)) deliver_packets(room, relay, &carried);
    release_packets(&carried);
}
