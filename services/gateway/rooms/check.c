/* check.c - what is true of a room between two steps. */
// SPDX-License-Identifier: Apache-2.0
#include <assert.h>

#include "services/gateway/rooms/halls_inside.h"

/* In the order of their seqs, each once, and counted. */
static void backlog_check(const struct backlog *b)
{
    size_t bytes = 0;

    for (size_t i = 0; i < b->n; i++) {
        assert(i == 0 || b->at[i].seq > b->at[i - 1].seq);
        bytes += eio_packet_bytes(b->at[i].packet);
    }
    assert(b->bytes == bytes && *b->all >= bytes);
}

static void seat_check(const struct hall *hall, size_t i)
{
    const struct seat *seat = hall->seats[i];

    assert(seat->hall == hall && seat->in_hall == i);
    assert(seat->guest->seats[seat->in_guest] == seat);
    assert(seat->fetch == NULL || seat->state == SEAT_FETCHING);
    assert(seat->state == SEAT_WAITING || (hall->seq >= 0 && seat->base >= 0));
    assert(seat->base <= seat->seq || seat->base < 0);
}

void hall_check(const struct hall *hall)
{
    unsigned fetching = 0;

    assert(hall->seq >= -1 && hall->want >= hall->seq);
    for (size_t i = 0; i < hall->n; i++) {
        seat_check(hall, i);
        fetching += hall->seats[i]->state == SEAT_FETCHING;
    }
    assert(hall->fetching == fetching);
    backlog_check(&hall->held);
    backlog_check(&hall->recent);
    assert(hall->held.n == 0 || hall->held.at[0].seq > hall->seq + 1); /* there is a gap before it */
    assert(hall->recent.n == 0 || (hall->fetching > 0 && hall->recent.at[hall->recent.n - 1].seq <= hall->seq));
}
