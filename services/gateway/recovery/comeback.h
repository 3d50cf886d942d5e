/*
 * comeback.h - one client that brings a pid, until it is let in.
 *
 *      queued --its turn--> read, asked about, claimed --> let in, or anew
 *                               |          ^
 *                               +--pause---+      a service had no time for the question: it is asked again
 *
 * Few have their turn at a time, and all of it is over when COMEBACK_MS are: whoever is not let in by then begins anew.
 */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "services/gateway/recovery/recovery_inside.h"

#define MISSED_MAX  10000 /* messages; who missed more begins anew */
/* Of which it may use two thirds of the time that a session may go without a namespace, if that is less. */
#define COMEBACK_MS 30000

/* One room of his. */
struct place {
    struct guest_mark mark;
    int64_t seq;         /* what the client has */
    int64_t head;        /* the room's newest */
    int64_t got;         /* fetched up to here */
    struct ahead *ahead; /* from seq + 1 to got */
    size_t n, cap, sent;
};

struct comeback {
    struct recovery *home;
    struct comeback *prev, *next; /* among those that wait for their turn, or for the next try */
    bool has_turn, waits;
    int64_t until_us;
    unsigned tries;
    ev_timer wait;
    void (*begin)(struct comeback *c);
    void (*waited)(struct comeback *c); /* the time is over */
    struct arrival arrival;
    struct arena *arena;
    struct str pid, offset;
    struct str value; /* as it was read */
    unsigned char hash[SHELF_HASH_BYTES];
    char owner[SHELF_OWNER_CHARS + 1];
    struct record record;
    struct place *places; /* in the order of their marks, one for each of the record's */
    size_t n;
    const char *why;      /* not; NULL: nothing speaks against it yet */
    size_t missed, bytes; /* that are held ahead */
};

/* places.c: what the record and the offset say.  NULL, or why that is not enough. */
const char *comeback_place(struct comeback *c);

/* turns.c: `begin` when its turn has come, `late` if it does not come in time; perhaps before this returns. */
void turn_await(struct comeback *c, void (*begin)(struct comeback *c), void (*late)(struct comeback *c));
void turn_end(struct comeback *c); /* had, or waited for */
/* A service had no time for a question: true if `ask` will be called to ask it again. */
bool turn_retry(struct comeback *c, enum err e, void (*ask)(struct comeback *c));
void turns_stop(struct recovery *recovery); /* who waits is called now, with a reason not to go on */

/* comeback.c */
void comeback_claim(struct comeback *c);

/* missed.c: fetch what was missed, as much as may be held; then comeback_claim(). */
void comeback_fetch(struct comeback *c);
void comeback_send_missed(struct comeback *c);
void comeback_drop_missed(struct comeback *c);
