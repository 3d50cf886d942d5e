/* deliver.c - what a room hears is handed out to its subscriptions once, in order. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/base/invariant.h"
#include "services/gateway/rooms/rooms_private.h"

static void remember_recent(struct local_room *room, int64_t seq, struct eio_packet *packet)
{
    if (backlog_is_full(&room->recent)) backlog_shift(&room->recent, (room->recent.n + 1) / 2);
    backlog_add(&room->recent, seq, packet);
}

static void deliver_packet(struct local_room *room, int64_t seq, struct eio_packet *packet)
{
    int64_t sent = 0;

    for (size_t i = 0; i < room->n; i++) {
        struct subscription *subscription = room->subscriptions[i];
        if (subscription->state != SUBSCRIPTION_LIVE || seq <= subscription->seq)
            continue; /* heard from another gateway already */
        if (sio_is_slow(subscription->subscriber->socket)) {
            subscription_pause(subscription);
            continue;
        }
        subscription_send(subscription, seq, packet);
        sent++;
    }
    room->seq = seq;
    if (room->fetching > 0) remember_recent(room, seq, packet);
    metric_add(room->home->delivered, sent);
}

/* Too many: forget them all.  The store has them. */
static void keep_packet_ahead(struct local_room *room, int64_t seq, struct eio_packet *packet)
{
    if (room->ahead.n > 0 && seq <= room->ahead.at[room->ahead.n - 1].seq) return;
    if (backlog_is_full(&room->ahead)) backlog_clear(&room->ahead);
    backlog_add(&room->ahead, seq, packet);
}

void local_room_take_message(struct local_room *room, const struct message *message)
{
    if (message->seq <= room->seq) return; /* heard before: chat or we asked again */
    if (message->seq > room->newest_known) room->newest_known = message->seq;

    struct eio_packet *packet = message_packet(message);
    if (room->seq >= 0 && message->seq == room->seq + 1)
        deliver_packet(room, message->seq, packet);
    else
        keep_packet_ahead(room, message->seq, packet);
    eio_packet_drop(packet);
    if (room->seq >= 0) local_room_release_ahead(room); /* it may have closed the gap */
    CHECK_STEP(local_room_check(room));
}

void local_room_release_ahead(struct local_room *room)
{
    size_t done = 0;

    while (done < room->ahead.n && room->ahead.at[done].seq <= room->seq + 1) {
        struct backlog_item item = room->ahead.at[done++];
        if (item.seq == room->seq + 1) deliver_packet(room, item.seq, item.packet);
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
