/* attempt_turn.c - tables for the days to come, and none for those that are over; a job, once an hour. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/base/log.h"
#include "libshared/db/rows.h"
#include "services/auth/abuse/attempts.h"

#define DAYS_AHEAD 7
#define DROPS_MAX  100 /* in one run */

static const char MAKE_DAYS[] = "SELECT attempt_days((now() AT TIME ZONE 'UTC')::date - 1,"
                                " (now() AT TIME ZONE 'UTC')::date + $1::bigint::int)";

static const char OLD_TABLES[] = "SELECT name, attached, leaving FROM attempt_table WHERE day <"
                                 " (now() AT TIME ZONE 'UTC')::date - $1::bigint::int ORDER BY day LIMIT $2";

static const char DROP_TABLE[] = "SELECT attempt_drop($1)";

struct day_table {
    struct str name;
    bool attached, leaving;
};
static const struct wire_field day_fields[] = {
    ROW_FIELD(struct day_table, name, TEXT),
    ROW_FIELD(struct day_table, attached, BOOL),
    ROW_FIELD(struct day_table, leaving, BOOL),
    ROW_END,
};
static const struct wire_shape day_shape = { "day_table", "", sizeof(struct day_table), day_fields };
struct day_table_list {
    struct day_table *at;
    size_t len;
};

enum err attempt_make_days(struct pg *pg, struct arena *arena)
{
    return pg_run(pg, arena, MAKE_DAYS, PG_ARGS(pg_int(DAYS_AHEAD)), NULL);
}

/* CONCURRENTLY: nobody who writes waits for it.  One that was cut in the middle is `leaving`, and is ended so. */
static enum err detach_day(struct call *call, const struct day_table *day)
{
    const char *how = day->leaving ? "FINALIZE" : "CONCURRENTLY";

    if (!day->attached) return OK;
    return pg_run_alone(call->pg,
        arena_printf(call->arena, "ALTER TABLE attempt DETACH PARTITION %.*s %s", STR_ARG(day->name), how).at);
}

static enum err drop_day(struct call *call, const struct day_table *day)
{
    TRY(detach_day(call, day));
    TRY(pg_run(call->pg, call->arena, DROP_TABLE, PG_ARGS(pg_text(day->name)), NULL));
    return pg_commit(call->pg);
}

enum err attempt_turn(struct call *call, const struct job *job, const struct nothing *payload)
{
    struct day_table_list old = { NULL, 0 };

    (void)job, (void)payload;
    TRY(attempt_make_days(call->pg, call->arena));
    TRY(pg_all(call->pg, call->arena, &day_shape, &old, DROPS_MAX, OLD_TABLES,
        PG_ARGS(pg_int(auth_settings(call)->attempt_days), pg_int(DROPS_MAX))));
    TRY(pg_commit(call->pg));
    for (size_t i = 0; i < old.len; i++) TRY(drop_day(call, &old.at[i]));
    call_note(call, F_INT("days_dropped", old.len));
    return OK;
}
