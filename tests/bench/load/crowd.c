/* crowd.c - who sits where in a soak, what each has heard, and whether that is right. */
// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/load/crowd.h"

#include <stdlib.h>
#include <string.h>

#include "tests/bench/load/mark.h"

enum { BUSY_ROOMS = 4 };

static void *zeroed(size_t n, size_t size)
{
    void *all = calloc(n, size);

    if (all == NULL) abort();
    return all;
}

/* Listeners sit down in rooms in turn; the first rows of the busy rooms are the stalled ones. */
static void sit_down(struct crowd *crowd, size_t i, size_t stalled_rows)
{
    struct place *place = &crowd->places[i];
    size_t row = i / crowd->rooms;

    place->room = (uint32_t)(i % crowd->rooms);
    if (row == 0)
        place->kind = CROWD_SENDER;
    else if (place->room >= crowd->busy || row > stalled_rows)
        place->kind = CROWD_LISTENER;
    else
        place->kind = row % 2 == 1 ? CROWD_PAUSING : CROWD_DEAD;
}

void crowd_create(struct crowd *crowd, size_t count, size_t rooms, size_t stalled)
{
    *crowd = (struct crowd){ .count = count, .rooms = rooms, .busy = rooms < BUSY_ROOMS ? rooms : BUSY_ROOMS };
    crowd->places = zeroed(count, sizeof *crowd->places);
    crowd->talks = zeroed(rooms, sizeof *crowd->talks);
    for (size_t i = 0; i < count; i++) sit_down(crowd, i, (stalled + crowd->busy - 1) / crowd->busy);
}

void crowd_destroy(struct crowd *crowd)
{
    free(crowd->places);
    free(crowd->talks);
}

void crowd_hears(struct crowd *crowd, struct place *place, const char *text, size_t len)
{
    struct crowd_counts *c = &crowd->counts;
    int64_t seq = mark_number_after(text, len, "\"seq\":");
    size_t room;
    uint32_t n;

    if (seq < 0 || !mark_read(text, len, &room, &n)) {
        c->unreadable++;
        return;
    }
    c->heard++;
    c->strayed += room != place->room;
    c->misplaced += (int64_t)n + 1 != seq;
    c->duplicate += seq <= place->heard;
    c->gaps += seq > place->heard + 1;
    if (seq > place->heard) place->heard = seq;
}

bool crowd_acked(struct crowd *crowd, struct talk *talk, uint64_t n, const char *text, size_t len)
{
    int64_t seq = mark_number_after(text, len, "\"seq\":");

    if (!talk->under_way || n != talk->stored) return true; /* given up on it before: it was sent again */
    talk->under_way = false;
    if (seq < 0) {
        crowd->counts.refused++;
        return false;
    }
    crowd->counts.misplaced += (uint64_t)seq != n + 1;
    tally_add(&crowd->counts.ack_us, tally_now_us() - talk->sent_us);
    talk->stored++;
    talk->pending = false;
    return true;
}

size_t crowd_behind(const struct crowd *crowd)
{
    size_t behind = 0;

    for (size_t i = 0; i < crowd->count; i++) {
        const struct place *place = &crowd->places[i];
        behind += !place->joined || place->heard < crowd->talks[place->room].stored;
    }
    return behind;
}

bool crowd_is_whole(const struct crowd *crowd)
{
    for (size_t r = 0; r < crowd->rooms; r++)
        if (crowd->talks[r].pending) return false;
    return crowd_behind(crowd) == 0;
}
