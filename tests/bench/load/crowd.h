/* crowd.h - who sits where in a soak, what each has heard, and whether that is right. */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tests/bench/load/tally.h"

enum crowd_kind {
    CROWD_SENDER,
    CROWD_LISTENER,
    CROWD_PAUSING, /* stops to read, again and again */
    CROWD_DEAD,    /* reads nothing until the end */
};

/* A connection's place. */
struct place {
    enum crowd_kind kind;
    uint32_t room;
    uint32_t lost;  /* how often the connection was */
    int64_t heard;  /* newest seq */
    int64_t due_us; /* when to connect or to join again; 0: no need */
    bool joined;
};

/* A room's one sender. Its messages are all there is in the room, so message n is stored as seq n + 1. */
struct talk {
    uint32_t stored;
    bool pending;   /* the next one was sent, perhaps on a connection before this */
    bool under_way; /* it was sent on this one */
    int64_t sent_us, next_us;
};

struct crowd_counts {
    uint64_t heard, duplicate, gaps, strayed, misplaced, unreadable;
    uint64_t refused, unanswered, joins_refused;
    struct tally ack_us;
};

struct crowd {
    size_t count, rooms, busy; /* the first `busy` rooms */
    struct place *places;
    struct talk *talks;
    struct crowd_counts counts;
};

/* Sit `count` down: a sender in each room, the others in turn, `stalled` of them in the busy rooms. */
void crowd_create(struct crowd *crowd, size_t count, size_t rooms, size_t stalled);
void crowd_destroy(struct crowd *crowd);

/* The place's event: is it the next of its room, and as it was sent? */
void crowd_hears(struct crowd *crowd, struct place *place, const char *text, size_t len);

/* The answer to message n of a room: true if it is stored now. */
bool crowd_acked(struct crowd *crowd, struct talk *talk, uint64_t n, const char *text, size_t len);

/* Has everybody heard all that was acknowledged, and is nothing unanswered? */
bool crowd_is_whole(const struct crowd *crowd);

/* Places that have not. */
size_t crowd_behind(const struct crowd *crowd);
