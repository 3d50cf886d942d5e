/* deliver.c - what a room hears is handed out to its subscriptions once, in order. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/base/invariant.h"
#include "services/gateway/rooms/rooms_private.h"

static void remember_recent(struct local_room *room, const struct entry_packets *entry)
{
    if (backlog_is_full(&room->recent)) backlog_shift(&room->recent, (room->recent.n + 1) / 2);
    backlog_add(&room->recent, entry);
}

static void deliver_entry(struct local_room *room, const struct entry_packets *entry)
{
    int64_t sent = 0;

    for (size_t i = 0; i < room->n; i++) {
        struct subscription *subscription = room->subscriptions[i];
        if (subscription->state != SUBSCRIPTION_LIVE || entry->seq <= subscription->seq)
            continue; /* heard from another gateway already */
        if (sio_is_slow(subscription->subscriber->socket)) {
            subscription_pause(subscription);
            continue;
        }
        sent += subscription_send(subscription, entry);
    }
    room->seq = entry->seq;
    if (room->fetching > 0) remember_recent(room, entry);
    metric_add(room->home->delivered, sent);
}

/* Too many: forget them all.  The store has them. */
static void keep_entry_ahead(struct local_room *room, const struct entry_packets *entry)
{
    if (room->ahead.n > 0 && entry->seq <= room->ahead.at[room->ahead.n - 1].seq) return;
    if (backlog_is_full(&room->ahead)) backlog_clear(&room->ahead);
    backlog_add(&room->ahead, entry);
}

void local_room_take_message(struct local_room *room, const struct message *message)
{
    if (message->seq <= room->seq) return; /* heard before: chat or we asked again */
    if (message->seq > room->newest_known) room->newest_known = message->seq;

    struct entry_packets entry = entry_packets_make(message);
    if (room->seq >= 0 && message->seq == room->seq + 1)
        deliver_entry(room, &entry);
    else
        keep_entry_ahead(room, &entry);
    entry_packets_drop(&entry);
    if (room->seq >= 0) local_room_release_ahead(room); /* it may have closed the gap */
    CHECK_STEP(local_room_check(room));
}

void local_room_release_ahead(struct local_room *room)
{
    size_t done = 0;

    while (done < room->ahead.n && room->ahead.at[done].seq <= room->seq + 1) {
        struct entry_packets entry = room->ahead.at[done++];
        if (entry.seq == room->seq + 1) deliver_entry(room, &entry);
    }
    backlog_shift(&room->ahead, done);
    if (room->ahead.n == 0) backlog_clear(&room->ahead);
    CHECK_STEP(local_room_check(room));
}

void local_room_take_head(struct local_room *room, int64_t seq)
{
    bool first = room->seq < 0;

    room->head_known = true;
    if (seq > room->newest_known) room->newest_known = seq;
    if (!first) return;
    room->seq = seq;
    for (size_t i = 0; i < room->n; i++)
        if (room->subscriptions[i]->state == SUBSCRIPTION_WAITING && room->subscriptions[i]->sure)
            subscription_begin(room->subscriptions[i]);
    local_room_release_ahead(room);
}

void local_room_refuse_waiting(struct local_room *room, enum err e)
{
    for (size_t i = room->n; i-- > 0;) {
        struct subscription *subscription = room->subscriptions[i];
        bool last = room->n == 1;
        if (subscription->state != SUBSCRIPTION_WAITING || subscription->joined == NULL)
            continue; /* nobody to tell: it goes on waiting */
        subscription_answer(subscription, e);
        subscription_leave(subscription);
        if (last) return; /* the room is closed */
    }
    CHECK_STEP(local_room_check(room));
}
