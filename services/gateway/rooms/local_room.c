/* local_room.c - one room with local sockets, and the queue of those that have something to ask. */
// SPDX-License-Identifier: Apache-2.0
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
    room->ahead.all = room->recent.all = &rooms->backlog_bytes;
    room->seq = -1;
    room->newest_known = -1;
    HASH_ADD(hh, rooms->table, id, sizeof room->id, room);
    metric_set(rooms->open, HASH_COUNT(rooms->table));
    return room;
}

/* --- the queue --- */

void local_room_enqueue(struct local_room *room)
{
    struct rooms *rooms = room->home;

    if (room->queued || room->asking) return;
    room->queued = true;
    room->next_queued = NULL;
    *rooms->queue_last = room;
    rooms->queue_last = &room->next_queued;
}

struct local_room *rooms_dequeue(struct rooms *rooms)
{
    struct local_room *room = rooms->queue_first;

    rooms->queue_first = room->next_queued;
    if (rooms->queue_first == NULL) rooms->queue_last = &rooms->queue_first;
    room->queued = false;
    return room;
}

static void forget_queued(struct local_room *room)
{
    struct rooms *rooms = room->home;

    if (!room->queued) return;
    struct local_room **at = &rooms->queue_first;
    while (*at != room) at = &(*at)->next_queued;
    *at = room->next_queued;
    if (rooms->queue_last == &room->next_queued) rooms->queue_last = at;
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
