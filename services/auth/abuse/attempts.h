/*
 * attempts.h - every attempt to be somebody is a row with its result: table `attempt`, a partition for each day (UTC).
 *
 *      tomorrow ... in 7 days   made ahead, by the job attempt.turn; and yesterday, for clocks that are behind
 *      today                    attempt_note() adds to it
 *      older than the setting   detached beside those who write, then dropped
 *
 * A row is part of the transaction of whoever notes it: there is no session without its row.  Where the transaction of a
 * refusal is rolled back attempt_refuse() keeps the row.  Of those that are refused with rate_limited the ones beyond
 * LOG_BOUNDED_LINES in LOG_BOUNDED_US are one row, which says how many.
 */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "services/auth/auth.h"

enum attempt_kind {
#define ATTEMPT(kind, doc) ATTEMPT_##kind,
#include "services/auth/abuse/attempts.def"
#undef ATTEMPT
    ATTEMPT_KINDS
};

struct attempt {
    enum attempt_kind kind;
    struct str subject; /* the `sub` of an account; STR_NONE: nobody that we know, and never what somebody typed */
    struct str key, address;
    struct str device; /* what it calls itself, such as its User-Agent; cut */
    struct str trace;
    enum err result;
};

/* The call's own, for this account; nil: for nobody that is known. */
struct attempt attempt_by(const struct call *call, enum attempt_kind kind, struct id account);

/* On a worker. */
enum err attempt_note(struct pg *pg, struct arena *arena, const struct attempt *attempt) MUST_CHECK;
/* In a WORKER, as its last step: notes it with this result, commits, and returns the result. */
enum err attempt_refuse(struct call *call, struct attempt attempt, enum err result) MUST_CHECK;
/* The same of a way in, whatever came of it: OK is noted in its transaction.  Of gone, session_ended, banned, account_leaving and rate_limited what it did is undone,
 * and the note stays; other refusals have been noted by attempt_refuse(). */
enum err attempt_settle(struct call *call, struct attempt attempt, enum err result) MUST_CHECK;

/* Before anything is served, and from time to time: there is a table for today and the days to come. */
enum err attempt_make_days(struct pg *pg, struct arena *arena) MUST_CHECK;
