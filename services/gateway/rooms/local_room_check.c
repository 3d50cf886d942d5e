/* local_room_check.c - what is true of a room between two steps. */
// SPDX-License-Identifier: Apache-2.0
#include <assert.h>

#include "services/gateway/rooms/rooms_private.h"

/* In the order of their seqs, each once, and counted. */
static void backlog_check(const struct backlog *b)
{
    size_t bytes = 0;

    for (size_t i = 0; i < b->n; i++) {
        assert(i == 0 || b->at[i].seq > b->at[i - 1].seq);
        bytes += entry_packets_bytes(&b->at[i]);
    }
    assert(b->bytes == bytes && *b->all >= bytes);
}

static void subscription_check(const struct local_room *room, size_t i)
{
    const struct subscription *subscription = room->subscriptions[i];

    assert(subscription->room == room && subscription->in_room == i);
    assert(subscription->subscriber->subscriptions[subscription->in_subscriber] == subscription);
    assert(subscription->fetch == NULL || subscription->state == SUBSCRIPTION_FETCHING);
    assert(subscription->inquiry == NULL || !subscription->sure);
    assert(subscription->state == SUBSCRIPTION_WAITING || (room->seq >= 0 && subscription->start_seq >= 0));
    assert(subscription->start_seq <= subscription->seq || subscription->start_seq < 0);
    assert(subscription->entered || subscription->state != SUBSCRIPTION_LIVE);
    assert(!subscription->entered || subscription->state != SUBSCRIPTION_WAITING);
}

void local_room_check(const struct local_room *room)
{
    unsigned fetching = 0;

    assert(room->seq >= -1 && room->newest_known >= room->seq);
    for (size_t i = 0; i < room->n; i++) {
        subscription_check(room, i);
        fetching += room->subscriptions[i]->state == SUBSCRIPTION_FETCHING;
    }
    assert(room->fetching == fetching);
    assert((room->payer != NULL) == (room->n > 0) && place_is_taken(&room->place) == (room->n > 0));
    assert(room->n == 0 || room->subscriptions[room->payer->in_room] == room->payer);
    backlog_check(&room->ahead);
    backlog_check(&room->recent);
    assert(room->ahead.n == 0 || room->ahead.at[0].seq > room->seq + 1); /* there is a gap before it */
    assert(room->recent.n == 0 || (room->fetching > 0 && room->recent.at[room->recent.n - 1].seq <= room->seq));
}
