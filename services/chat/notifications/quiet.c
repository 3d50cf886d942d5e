/* quiet.c - when somebody is not to be disturbed: is_quiet() in migrations/chat says whether a moment is such a one. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/db/pg.h"
#include "libshared/wire/columns.h"
#include "services/chat/chat.h"

#define HOURS "quiet_until AS until, zone, times, is_quiet(quiet_until, zone, times, now()) AS quiet"

static const char GET[] = "SELECT " HOURS " FROM notification_head WHERE subject = $1";

enum err quiet_get(struct call *call, const struct nothing *req, struct quiet_hours *rep)
{
    (void)req;
    TRY(require_subject(call));
    enum err e = pg_one(call->pg, call->arena, quiet_hours_shape(), rep, GET, PG_ARGS(pg_text(call->who->sub)));
    if (e != ERR_NOT_FOUND) return e;
    *rep = (struct quiet_hours){ .zone = STR("UTC") };
    return OK;
}

/* What was made before stays as it was made. */
static const char SET[] =
    "INSERT INTO notification_head (subject, quiet_until, zone, times) SELECT $1, $2, $3, coalesce(jsonb_agg("
    "jsonb_build_object('day', t.day, 'from', t.begin, 'minutes', t.minutes) ORDER BY t.i), '[]') FROM"
    " unnest($4::bigint[], $5::bigint[], $6::bigint[]) WITH ORDINALITY AS t (day, begin, minutes, i) WHERE is_zone($3)"
    " HAVING is_zone($3) ON CONFLICT (subject) DO UPDATE SET quiet_until = excluded.quiet_until, zone = excluded.zone,"
    " times = excluded.times RETURNING " HOURS;

enum err quiet_set(struct call *call, const struct quiet_draft *req, struct quiet_hours *rep)
{
    struct arena *arena = call->arena;

    TRY(require_subject(call));
    enum err e = pg_one(call->pg, arena, quiet_hours_shape(), rep, SET,
        PG_ARGS(pg_text(call->who->sub), pg_time(req->until), pg_text(req->zone.len > 0 ? req->zone : STR("UTC")),
            pg_ints(arena, INTS_OF(arena, req->times, day)), pg_ints(arena, INTS_OF(arena, req->times, from)),
            pg_ints(arena, INTS_OF(arena, req->times, minutes))));
    if (e == ERR_NOT_FOUND) return call_fail(call, ERR_INVALID_ARGUMENT, "zone: there is no such time zone");
    return e;
}
