/*
 * link_guess.c - how many wrong passwords of a link there may be, and from where: rows of `share_guess`.
 *
 *      guess_take --refused--> rate_limited, retry_after: nothing is compared
 *          |
 *          +--one is taken--> it is compared --wrong--> nothing more: it is taken
 *                                            --right--> guess_clear
 *                                            --was not--> guess_return
 *
 * Counted is a network (/24, of IPv6 /64) for this link, so that nobody uses up what others have; or a visit with which its
 * bearer has said a password of this link before, whoever else is in their network.  After GUESS_FREE failures in a row it is
 * slowed down (1 s, 2 s, 4 s, 8 s), then for a quarter of an hour, then twice that, up to a day.  A day without forgets them.
 * So many are free because those are taken, too, that have not been compared yet: a class that opens a link at once.
 */
// SPDX-License-Identifier: Apache-2.0
#include <inttypes.h>

#include "libshared/base/network.h"
#include "libshared/db/rows.h"
#include "services/share/links/links.h"

#define GUESS_FREE "20"
#define FORGET_MS  INT64_C(86400000)
#define WHO_MAX    10000 /* of a link; those that tried longest ago are forgotten */

/* What so many failures cost: in seconds. */
#define WAIT                                                                                                           \
    "CASE WHEN n.late < 0 THEN 0 WHEN n.late < 4 THEN 1 << n.late ELSE least(900 << least(n.late - 4, 7), 86400) END"  \
    " * interval '1 second'"

/* One statement, so that as many as come at once are counted one by one; no row: it is too early.  Calls have their times before
 * their turns, so who has free tries left is not asked for the time. */
static const char TAKE[] =
    "INSERT INTO share_guess AS g (link, who, failures, next_at, changed_at) VALUES ($1, $2, 1, $3, $3)"
    " ON CONFLICT (link, who) DO UPDATE SET (failures, next_at, changed_at) = (SELECT n.failures, $3 + " WAIT
    ", $3 FROM (SELECT f.failures, (f.failures - " GUESS_FREE
    " - 1)::int AS late FROM (SELECT CASE WHEN g.changed_at < $4"
    " THEN 1 ELSE g.failures + 1 END AS failures) f) n) WHERE g.failures <= " GUESS_FREE
    " OR g.next_at <= $3 RETURNING failures - 1 AS tries";
static const char NEXT_AT[] = "SELECT next_at FROM share_guess WHERE link = $1 AND who = $2";
static const char FORGET_MANY[] = "DELETE FROM share_guess WHERE link = $1 AND who IN (SELECT who FROM share_guess"
                                  " WHERE link = $1 ORDER BY changed_at DESC OFFSET $2)";
static const char CLEAR[] = "DELETE FROM share_guess WHERE link = $1 AND who = $2";
static const char RETURN[] = "UPDATE share_guess SET failures = greatest(failures - 1, 0), next_at = $3"
                             " WHERE link = $1 AND who = $2";
static const char EXPIRE[] = "DELETE FROM share_guess WHERE (link, who) IN (SELECT link, who FROM share_guess"
                             " WHERE changed_at < $2 AND next_at < $3 LIMIT $1)";

struct guess_wait {
    int64_t next_at;
};
static const struct wire_field guess_wait_fields[] = { ROW_FIELD(struct guess_wait, next_at, TIME), ROW_END };
static const struct wire_shape guess_wait_shape = { "wait", "", sizeof(struct guess_wait), guess_wait_fields };

static struct str who_guesses(const struct call *call, const struct link_visit *visit)
{
    char name[ADDRESS_NETWORK_CHARS + 1];

    if (visit->lock != 0) return arena_printf(call->arena, "visit %" PRId64, visit->at);
    return arena_str(call->arena, address_network_name(call->who->address, name));
}

static enum err refuse_guess(struct call *call, struct id link, struct str who)
{
    struct guess_wait wait = { .next_at = 0 };

    TRY(pg_one(call->pg, call->arena, &guess_wait_shape, &wait, NEXT_AT, PG_ARGS(pg_id(link), pg_text(who))));
    call->why->retry_after_ms = wait.next_at > call->now ? wait.next_at - call->now : 1;
    return call_fail(call, ERR_RATE_LIMITED, "there were too many wrong passwords");
}

struct taken_guess {
    int64_t tries;
};
static const struct wire_field taken_guess_fields[] = { ROW_FIELD(struct taken_guess, tries, INT), ROW_END };
static const struct wire_shape taken_guess_shape = { "taken", "", sizeof(struct taken_guess), taken_guess_fields };

enum err guess_take(struct call *call, struct id link, const struct link_visit *visit, int64_t *tries)
{
    struct str who = who_guesses(call, visit);
    struct taken_guess taken = { .tries = 0 };

    enum err e = pg_one(call->pg, call->arena, &taken_guess_shape, &taken, TAKE,
        PG_ARGS(pg_id(link), pg_text(who), pg_time(call->now), pg_time(call->now - FORGET_MS)));
    if (e == ERR_NOT_FOUND) return refuse_guess(call, link, who);
    TRY(e);
    *tries = taken.tries;
    return pg_run(call->pg, call->arena, FORGET_MANY, PG_ARGS(pg_id(link), pg_int(WHO_MAX)), NULL);
}

enum err guess_clear(struct call *call, struct id link, const struct link_visit *visit)
{
    return pg_run(call->pg, call->arena, CLEAR, PG_ARGS(pg_id(link), pg_text(who_guesses(call, visit))), NULL);
}

enum err guess_return(struct call *call, struct id link, const struct link_visit *visit)
{
    return pg_run(call->pg, call->arena, RETURN,
        PG_ARGS(pg_id(link), pg_text(who_guesses(call, visit)), pg_time(call->now)), NULL);
}

enum err guess_expire(struct call *call, const struct job *job, const struct nothing *payload)
{
    (void)payload;
    return job_remove_rows(call, job, "rows", EXPIRE, PG_ARGS(pg_time(call->now - FORGET_MS), pg_time(call->now)));
}
