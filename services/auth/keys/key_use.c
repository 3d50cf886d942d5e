/* key_use.c - how often keys were used over REST: minutes as gateways tell of them, which become days. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/wire/columns.h"
#include "services/auth/keys/keys.h"

/* A gateway's clock may be wrong.  It tells of a minute again as that goes on: the most that it said is what there was.  In one order
 * for all gateways, so that none waits for one that waits for it. */
static const char ADD_MINUTES[] =
    "INSERT INTO key_minute (key, minute, gateway, uses) SELECT u.key, date_trunc('minute', least(greatest(u.minute,"
    " now() - interval '1 day'), now() + interval '1 hour')), $1, max(u.uses) FROM unnest($2::text[],"
    " $3::timestamptz[], $4::bigint[]) u (key, minute, uses) JOIN api_key k ON k.id = u.key GROUP BY 1, 2 ORDER BY 1, 2"
    " ON CONFLICT (key, minute, gateway) DO UPDATE SET uses = greatest(key_minute.uses, excluded.uses)";

enum err key_use_note(struct call *call, const struct key_minute_batch *req, struct nothing *rep)
{
    struct arena *arena = call->arena;
    size_t n = req->minutes.len;

    (void)rep;
    call_note(call, F_INT("rows", n));
    return pg_run(call->pg, arena, ADD_MINUTES,
        PG_ARGS(pg_id(req->gateway), pg_texts(arena, TEXTS_OF(arena, req->minutes, key)),
            pg_times(arena, INTS_OF(arena, req->minutes, minute)), pg_ints(arena, INTS_OF(arena, req->minutes, uses))),
        NULL);
}

/* --- a job --- */

static const char SUM_OLD_MINUTES[] =
    "WITH old AS (DELETE FROM key_minute WHERE (key, minute, gateway) IN (SELECT key, minute, gateway FROM key_minute"
    " WHERE minute < $2::timestamptz - interval '2 days' ORDER BY minute LIMIT $1) RETURNING key, minute, uses),"
    " summed AS (INSERT INTO key_day AS d (key, day, uses) SELECT key, (minute AT TIME ZONE 'UTC')::date, "
    "sum(uses)::bigint"
    " FROM old GROUP BY 1, 2 ON CONFLICT (key, day) DO UPDATE SET uses = d.uses + excluded.uses) SELECT FROM old";
static const char FORGET_OLD_DAYS[] =
    "DELETE FROM key_day WHERE (key, day) IN (SELECT key, day FROM key_day WHERE day < ($2::timestamptz AT TIME ZONE"
    " 'UTC')::date - $3::bigint::int ORDER BY day LIMIT $1)";

enum err key_use_turn(struct call *call, const struct job *job, const struct nothing *payload)
{
    struct pg_arg now = pg_time(call->now);

    (void)payload;
    TRY(job_remove_rows(call, job, "minutes", SUM_OLD_MINUTES, PG_ARGS(now)));
    return job_remove_rows(call, job, "days", FORGET_OLD_DAYS, PG_ARGS(now, pg_int(auth_settings(call)->attempt_days)));
}
