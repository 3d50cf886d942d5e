/*
 * audit_check.c - the audit's chain is held against itself, some links in each run; a job, once a minute.
 *
 *      1 ......... turn --some--> ......... head --what is new--> newest
 *                  and from 1 on again      its hash is kept: who writes a new chain writes another one
 */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/base/log.h"
#include "libshared/db/rows.h"
#include "services/auth/alerts/alerts.h"

#define LINKS_NEW 2000 /* in one run */
#define LINKS_OLD 1000

struct checked {
    int64_t head, turn;
    bool is_there; /* the newest link that was seen is still what it was */
};
static const struct wire_field checked_fields[] = {
    ROW_FIELD(struct checked, head, INT),
    ROW_FIELD(struct checked, turn, INT),
    ROW_FIELD(struct checked, is_there, BOOL),
    ROW_END,
};
static const struct wire_shape checked_shape = { "checked", "", sizeof(struct checked), checked_fields };

static const char LOAD[] =
    "SELECT c.head, c.turn, c.head = 0 OR EXISTS (SELECT FROM audit a WHERE a.n = c.head AND a.hash = c.head_hash)"
    " AS is_there FROM audit_checked c FOR UPDATE";

/* Links behind $1: the first that does not follow, and the last that was looked at. */
static const char CHECK[] =
    "SELECT coalesce(min(n) FILTER (WHERE NOT whole), 0) AS broken, coalesce(max(n), $1) AS last, count(*) AS links "
    "FROM"
    " (SELECT n, prev = coalesce(lag(hash) OVER w, (SELECT hash FROM audit WHERE n = $1), '') AND n = $1 +"
    " row_number() OVER w AND hash = audit_hash(prev, n, at, who, what, target, detail) AS whole FROM"
    " (SELECT * FROM audit WHERE n > $1 ORDER BY n LIMIT $2) part WINDOW w AS (ORDER BY n)) chain";

static const char KEEP[] =
    "UPDATE audit_checked SET head = $1, turn = $2, head_hash = (SELECT hash FROM audit WHERE n = $1)";

struct chain_part {
    int64_t broken, last, links;
};
static const struct wire_field part_fields[] = {
    ROW_FIELD(struct chain_part, broken, INT),
    ROW_FIELD(struct chain_part, last, INT),
    ROW_FIELD(struct chain_part, links, INT),
    ROW_END,
};
static const struct wire_shape part_shape = { "part", "", sizeof(struct chain_part), part_fields };

static enum err check_part(struct call *call, int64_t behind, int64_t most, struct chain_part *out)
{
    *out = (struct chain_part){ .broken = 0 };
    return pg_one(call->pg, call->arena, &part_shape, out, CHECK, PG_ARGS(pg_int(behind), pg_int(most)));
}

/* Nothing moves on over it: the alert comes again until somebody has seen to it. */
static enum err tell_broken(struct call *call, int64_t link)
{
    struct alert_about about = { .kind = ALERT_audit_broken,
        .detail = arena_printf(call->arena, "%lld", (long long)link) };

    call_note(call, F_INT("broken", link));
    return alert_raise(call->pg, call->arena, &about);
}

enum err audit_check(struct call *call, const struct job *job, const struct nothing *payload)
{
    struct checked at = { .head = 0 };
    struct chain_part fresh, old;

    TRY(pg_one(call->pg, call->arena, &checked_shape, &at, LOAD, PG_NO_ARGS));
    if (!at.is_there) return tell_broken(call, at.head);
    TRY(check_part(call, at.head, LINKS_NEW, &fresh));
    if (fresh.broken != 0) return tell_broken(call, fresh.broken);
    TRY(check_part(call, at.turn, LINKS_OLD, &old));
    if (old.broken != 0) return tell_broken(call, old.broken);
    call_note(call, F_INT("links", fresh.links + old.links));
    int64_t turn = old.links < LINKS_OLD ? 0 : old.last;
    TRY(pg_run(call->pg, call->arena, KEEP, PG_ARGS(pg_int(fresh.last), pg_int(turn)), NULL));
    return fresh.links == LINKS_NEW ? job_put(call, &audit_check_job, job->key, payload, 0) : OK;
}
