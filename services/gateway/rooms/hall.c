/* hall.c - one room with local sockets, and the queue of those that have something to ask. */
// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/methods.h"
#include "services/gateway/rooms/halls_inside.h"

struct hall *hall_find(struct halls *halls, struct id room)
{
    struct hall *hall;

    HASH_FIND(hh, halls->table, &room, sizeof room, hall);
    return hall;
}

struct hall *hall_get(struct halls *halls, struct id room)
{
    struct hall *hall = hall_find(halls, room);

    if (hall != NULL) return hall;
    hall = mem_zero(sizeof *hall);
    hall->id = room;
    hall->serial = ++halls->serials;
    hall->home = halls;
    hall->held.all = hall->recent.all = &halls->kept_bytes;
    hall->seq = -1;
    hall->want = -1;
    HASH_ADD(hh, halls->table, id, sizeof hall->id, hall);
    metric_set(halls->open, HASH_COUNT(halls->table));
    return hall;
}

/* --- the queue --- */

void hall_enqueue(struct hall *hall)
{
    struct halls *halls = hall->home;

    if (hall->queued || hall->asking) return;
    hall->queued = true;
    hall->next_queued = NULL;
    *halls->queue_last = hall;
    halls->queue_last = &hall->next_queued;
}

struct hall *halls_dequeue(struct halls *halls)
{
    struct hall *hall = halls->queue_first;

    halls->queue_first = hall->next_queued;
    if (halls->queue_first == NULL) halls->queue_last = &halls->queue_first;
    hall->queued = false;
    return hall;
}

static void forget_queued(struct hall *hall)
{
    struct halls *halls = hall->home;

    if (!hall->queued) return;
    struct hall **at = &halls->queue_first;
    while (*at != hall) at = &(*at)->next_queued;
    *at = hall->next_queued;
    if (halls->queue_last == &hall->next_queued) halls->queue_last = at;
}

/* --- its end --- */

static void ignore_reply(void *arg, enum err status, struct str body)
{
    (void)arg, (void)status, (void)body;
}

void hall_close_if_empty(struct hall *hall)
{
    struct halls *halls = hall->home;

    if (hall->n > 0) return;
    method_ask(halls->chat, M_room_unsubscribe, &(struct room_ref){ .room = hall->id }, ignore_reply, NULL);
    forget_queued(hall);
    HASH_DEL(halls->table, hall);
    metric_set(halls->open, HASH_COUNT(halls->table));
    backlog_clear(&hall->held);
    backlog_clear(&hall->recent);
    mem_free(hall->seats);
    mem_free(hall);
}
