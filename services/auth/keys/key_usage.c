/* key_usage.c - how many tokens a key got on each day, and why it was refused others: counted from the attempts; how often it was used
 * over REST. */
// SPDX-License-Identifier: Apache-2.0
#include "services/auth/keys/keys.h"

#define ROWS_MAX 1000 /* proto/auth.def: key_usage.uses */

/* Newest first.  Attempts are kept for a while only, a table for each day: no more of them are read than are asked for.  A day of the
 * REST uses is in part a sum, in part minutes. */
static const char BY_DAY[] =
    "SELECT * FROM (SELECT to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD') AS day, result, sum(times)::bigint AS count"
    " FROM attempt WHERE key = $1 AND kind = 'token' AND at > $2::timestamptz - $3::bigint * interval '1 day'"
    " GROUP BY 1, 2 UNION ALL SELECT day::text, 'rest', sum(uses)::bigint FROM (SELECT day, uses FROM key_day WHERE key"
    " = $1 UNION ALL SELECT (minute AT TIME ZONE 'UTC')::date, uses FROM key_minute WHERE key = $1) used WHERE day >"
    " ($2::timestamptz AT TIME ZONE 'UTC')::date - $3::bigint::int GROUP BY 1) uses"
    " ORDER BY day DESC, (result <> 'ok'), result LIMIT $4";
static const char BY_MINUTE[] =
    "SELECT to_char(minute AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI') AS day, 'rest' AS result, sum(uses)::bigint AS "
    "count"
    " FROM key_minute WHERE key = $1 AND minute > $2::timestamptz - $3::bigint * interval '1 minute'"
    " GROUP BY minute ORDER BY minute DESC LIMIT $4";

enum err key_usage(struct call *call, const struct key_usage_query *req, struct key_usage *rep)
{
    struct api_key key = { .id = STR_NONE };
    bool by_minute = req->minutes > 0;

    TRY(key_load(call, req->id, &key));
    return pg_all(call->pg, call->arena, key_use_shape(), &rep->uses, ROWS_MAX, by_minute ? BY_MINUTE : BY_DAY,
        PG_ARGS(pg_text(req->id), pg_time(call->now), pg_int(by_minute ? req->minutes : req->days), pg_int(ROWS_MAX)));
}
