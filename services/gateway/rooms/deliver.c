/* deliver.c - what a hall hears is handed out to its seats once, in order. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/base/invariant.h"
#include "services/gateway/rooms/halls_inside.h"

static void remember_recent(struct hall *hall, int64_t seq, struct eio_packet *packet)
{
    if (backlog_is_full(&hall->recent)) backlog_shift(&hall->recent, (hall->recent.n + 1) / 2);
    backlog_add(&hall->recent, seq, packet);
}

static void deliver(struct hall *hall, int64_t seq, struct eio_packet *packet)
{
    int64_t sent = 0;

    for (size_t i = 0; i < hall->n; i++) {
        struct seat *seat = hall->seats[i];
        if (seat->state != SEAT_LIVE || seq <= seat->seq) continue; /* heard from another gateway already */
        if (sio_is_slow(seat->guest->socket)) {
            seat_pause(seat);
            continue;
        }
        seat_send(seat, seq, packet);
        sent++;
    }
    hall->seq = seq;
    if (hall->fetching > 0) remember_recent(hall, seq, packet);
    metric_add(hall->home->delivered, sent);
}

/* Too many: forget them all.  The store has them. */
static void hold(struct hall *hall, int64_t seq, struct eio_packet *packet)
{
    if (hall->held.n > 0 && seq <= hall->held.at[hall->held.n - 1].seq) return;
    if (backlog_is_full(&hall->held)) backlog_clear(&hall->held);
    backlog_add(&hall->held, seq, packet);
}

void hall_heard(struct hall *hall, const struct message *message)
{
    if (message->seq <= hall->seq) return; /* heard before: chat or we asked again */
    if (message->seq > hall->want) hall->want = message->seq;

    struct eio_packet *packet = frame_of_message(message);
    if (hall->seq >= 0 && message->seq == hall->seq + 1)
        deliver(hall, message->seq, packet);
    else
        hold(hall, message->seq, packet);
    eio_packet_drop(packet);
    if (hall->seq >= 0) hall_release_held(hall); /* it may have closed the gap */
}

void hall_release_held(struct hall *hall)
{
    size_t done = 0;

    while (done < hall->held.n && hall->held.at[done].seq <= hall->seq + 1) {
        struct backlog_item item = hall->held.at[done++];
        if (item.seq == hall->seq + 1) deliver(hall, item.seq, item.packet);
    }
    backlog_shift(&hall->held, done);
    if (hall->held.n == 0) backlog_clear(&hall->held);
    CHECK_STEP(hall_check(hall));
}

void hall_head(struct hall *hall, int64_t seq)
{
    bool first = hall->seq < 0;

    hall->head_known = true;
    if (seq > hall->want) hall->want = seq;
    if (!first) return;
    hall->seq = seq;
    for (size_t i = 0; i < hall->n; i++)
        if (hall->seats[i]->state == SEAT_WAITING) seat_begin(hall->seats[i]);
    hall_release_held(hall);
}

void hall_refuse_waiting(struct hall *hall, enum err e)
{
    for (size_t i = hall->n; i-- > 0;) {
        struct seat *seat = hall->seats[i];
        bool last = hall->n == 1;
        if (seat->state != SEAT_WAITING || seat->seated == NULL) continue; /* nobody to tell: it goes on waiting */
        seat_answer(seat, e);
        seat_leave(seat);
        if (last) return; /* the hall is closed */
    }
}
