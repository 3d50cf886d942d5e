/* local_room.c - one room with local sockets, who it is listened to for, and the queue of those that have something to ask. */
// SPDX-License-Identifier: Apache-2.0
#include <utlist.h>

#include "services/gateway/methods.h"
#include "services/gateway/rooms/rooms_private.h"

struct local_room *local_room_find(struct rooms *rooms, struct id room_id)
{
    struct local_room *room;

    HASH_FIND(hh, rooms->table, &room_id, sizeof room_id, room);
    return room;
}

struct local_room *local_room_get(struct rooms *rooms, struct id room_id)
{
    struct local_room *room = local_room_find(rooms, room_id);

    if (room != NULL) return room;
    room = mem_zero(sizeof *room);
    room->id = room_id;
    room->serial = ++rooms->serials;
    room->home = rooms;
    room->lane = rooms_lane(rooms, room_id);
    room->ahead.all = room->recent.all = &rooms->backlog_bytes;
    room->seq = -1;
    room->newest_known = -1;
    HASH_ADD(hh, rooms->table, id, sizeof room->id, room);
    metric_set(rooms->open, HASH_COUNT(rooms->table));
    return room;
}

/* --- who it is listened to for --- */

#define ADDRESS_SHARE 3 /* so many subjects of one address have all that they may */

bool rooms_have_room_for(const struct rooms *rooms, const struct subscriber *subscriber)
{
    size_t most = rooms->bounds.of_subject;

    return places_count(&rooms->listened, PLACE_OF_SUBJECT, subscriber->subject) < most &&
           places_count(&rooms->listened, PLACE_OF_ADDRESS, sio_address(subscriber->socket)) < ADDRESS_SHARE * most;
}

static bool has_payer(const struct local_room *room)
{
    return room->payer != NULL && room->payer->in_room < room->n &&
           room->subscriptions[room->payer->in_room] == room->payer;
}

void local_room_find_payer(struct local_room *room)
{
    if (has_payer(room)) return;
    place_leave(&room->home->listened, &room->place);
    room->payer = room->n > 0 ? room->subscriptions[0] : NULL;
    if (room->payer == NULL) return;
    const struct subscriber *subscriber = room->payer->subscriber;
    room->place = place_take(&room->home->listened, subscriber->subject, sio_address(subscriber->socket));
}

/* --- the queues --- */

struct chat_lane *rooms_lane(struct rooms *rooms, struct id room_id)
{
    return &rooms->lanes[part_of(room_id, rooms->n_lanes)];
}

void local_room_enqueue(struct local_room *room)
{
    if (room->queued || room->asking) return;
    room->queued = true;
    DL_APPEND(room->lane->queue, room);
}

static void forget_queued(struct local_room *room)
{
    if (!room->queued) return;
    DL_DELETE(room->lane->queue, room);
    room->queued = false;
}

struct local_room *lane_dequeue(struct chat_lane *lane)
{
    struct local_room *room = lane->queue;

    forget_queued(room);
    return room;
}

/* --- its end --- */

static void ignore_reply(void *arg, enum err status, struct str body)
{
    (void)arg, (void)status, (void)body;
}

void local_room_close_if_empty(struct local_room *room)
{
    struct rooms *rooms = room->home;

    if (room->n > 0) return;
    method_ask(rooms->chat, M_chat_room_unsubscribe, &(struct room_ref){ .room = room->id }, ignore_reply, NULL);
    forget_queued(room);
    HASH_DEL(rooms->table, room);
    metric_set(rooms->open, HASH_COUNT(rooms->table));
    backlog_clear(&room->ahead);
    backlog_clear(&room->recent);
    mem_free(room->subscriptions);
    mem_free(room);
}
