/* person_news.c - what others see of a user has changed: each socket that shares a room with them hears it once. */
// SPDX-License-Identifier: Apache-2.0
#include <assert.h>

#include "libshared/base/log.h"
#include "libshared/wire/event_names.h"
#include "services/gateway/rooms/rooms_private.h"

#define CHANGE_BYTES_MAX 16384 /* a person_change: 312 characters, each at most 12 bytes of JSON */

static struct eio_packet *change_packet(const struct person_change *change)
{
    struct buf json = BUF(CHANGE_BYTES_MAX);
    enum err e = wire_write_json(person_change_shape(), change, &json);

    assert(e == OK && !json.over);
    struct eio_packet *packet = sio_packet_event(rooms_namespace(), "user:changed", buf_str(&json));
    buf_free(&json);
    return packet;
}

/* A slow socket does not: what is queued for it is bounded, and a name is asked for again when it is shown. */
static void tell_room(struct local_room *room, uint64_t news, struct eio_packet *packet)
{
    for (size_t i = 0; i < room->n; i++) {
        struct subscriber *subscriber = room->subscriptions[i]->subscriber;
        if (room->subscriptions[i]->state == SUBSCRIPTION_WAITING || subscriber->news == news) continue;
        subscriber->news = news;
        if (sio_is_slow(subscriber->socket))
            metric_add(room->home->dropped, 1);
        else
            sio_send(subscriber->socket, packet);
    }
}

void rooms_take_person(struct rooms *rooms, struct str body)
{
    struct person_news news = { .rooms = { NULL, 0 } };
    struct wire_error why;

    if (wire_decode(person_news_shape(), body, rooms->arena, &news, &why) != OK) {
        LOG(ERROR, "gateway.bad_event", F_TEXT("name", "person.changed"), F_TEXT("why", why.text));
        return;
    }
    struct eio_packet *packet = change_packet(news.person);
    rooms->news++;
    for (size_t i = 0; i < news.rooms.len; i++) {
        struct local_room *room = local_room_find(rooms, news.rooms.at[i]);
        if (room != NULL) tell_room(room, rooms->news, packet);
    }
    eio_packet_drop(packet);
}
