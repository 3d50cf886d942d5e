/*
 * resume_private.h - one client that brings a pid, until it is let in.
 *
 *      queued --its turn--> read, asked about, claimed --> let in, or anew
 *                               |          ^
 *                               +--pause---+      a service had no time for the question: it is asked again
 *
 * Few have their turn at a time, and a client that is not let in within RESUME_MS begins anew.
 */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "services/gateway/recovery/recovery_private.h"

#define MISSED_MAX 10000 /* messages; a client that missed more begins anew */
/* Of which it may use two thirds of the time that a session may go without a namespace, if that is less. */
#define RESUME_MS  30000

/* One of its rooms. */
struct resume_position {
    struct room_start start;
    int64_t seq;                     /* what the client has */
    int64_t head;                    /* the room's newest, before chat was asked */
    int64_t got;                     /* fetched up to here */
    struct membership membership;    /* when chat was asked */
    struct missed_message *messages; /* from seq + 1 to got */
    size_t n, cap, sent;
};

struct resume {
    struct recovery *home;
    struct resume *prev, *next; /* among those that wait for their turn, or for the next try */
    bool has_turn, waits;
    int64_t until_us;
    unsigned tries;
    ev_timer wait;
    void (*begin)(struct resume *c);
    void (*waited)(struct resume *c); /* the time is over */
    struct arrival arrival;
    struct arena *arena;
    struct str pid, offset;
    struct str value; /* as it was read */
    unsigned char hash[RECORD_HASH_BYTES];
    char owner[RECORD_OWNER_CHARS + 1];
    struct record record;
    struct resume_position *positions; /* in the order of their room numbers, one for each of the record's */
    size_t n;
    const char *why;      /* it begins anew, a code; NULL: nothing speaks against resuming yet */
    size_t missed, bytes; /* that are held ahead */
};

/* resume_positions.c: what the record and the offset say.  NULL, or why that is not enough. */
const char *resume_find_positions(struct resume *c);
bool resume_may_hear(const struct resume *c); /* all of its rooms, by the rights that it has */

/* resume_turns.c: `begin` when its turn has come, `late` if it does not come in time; perhaps before this returns. */
void resume_await_turn(struct resume *c, void (*begin)(struct resume *c), void (*late)(struct resume *c));
void resume_end_turn(struct resume *c); /* had, or waited for */
/* A service had no time for a question: true if `ask` will be called to ask it again. */
bool resume_ask_again(struct resume *c, enum err e, void (*ask)(struct resume *c));
void resumes_stop_waiting(struct recovery *recovery); /* those that wait are called now, with a reason not to go on */

/* resume.c */
void resume_claim(struct resume *c);

/* resume_missed.c: fetch what was missed, as much as may be held; then resume_claim(). */
void resume_fetch(struct resume *c);
void resume_send_missed(struct resume *c);
void resume_drop_missed(struct resume *c);
