/*
 * pg_claim.h - numbers that one process has at a time, for as long as it lives:
 *
 *      waiting --all are free--> sure --PostgreSQL does not answer--> unsure --the same connection answers--> sure
 *                                                                       |--taken again, before anybody could begin--> sure
 *                                                                       \--somebody else has, or may have had one--> lost
 *
 * Advisory locks of a connection of its own, which is asked for a sign of life all the time.  PostgreSQL gives them back when
 * the process has died, and when nothing has been heard of it for three times sure_ms.  A process that is cut off cannot know
 * which of both is true, its database's end or its own; so it is unsure sure_ms after the last answer, and whoever had to wait
 * for a number begins later than that.
 */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ev_loop;
struct pg_claim;

struct pg_claim_config {
    const char *conninfo;
    const char *name; /* of what is claimed: for the log, and for whoever reads pg_stat_activity */
    int kind;         /* numbers of other kinds are others */
    size_t first, n;  /* the numbers; all or none */
    int64_t
        sure_ms; /* so long an answer of PostgreSQL's holds; who had to wait begins PG_CLAIM_GRACE_MS later than that */
};

#define PG_CLAIM_GRACE_MS 1000

/* Waits until they are this process's: not on a loop that runs.  NULL: there is no database. */
struct pg_claim *pg_claim_take(const struct pg_claim_config *config);
/* On any thread.  false: another process may have them by now; nothing is to be answered for them. */
bool pg_claim_is_sure(const struct pg_claim *claim);
/* From now on `lost(arg)` is called on the loop, once, when another process has one of them, or may have had. */
void pg_claim_watch(struct pg_claim *claim, struct ev_loop *loop, void (*lost)(void *arg), void *arg);
/* After the loop: it waits until the connection is closed, 4 s at most. */
void pg_claim_destroy(struct pg_claim **claim);
