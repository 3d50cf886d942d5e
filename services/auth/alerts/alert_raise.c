/* alert_raise.c - an alert is opened, or counted by the one that is open. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/base/clock.h"
#include "libshared/base/log.h"
#include "libshared/db/rows.h"
#include "services/auth/alerts/alerts.h"

static const struct alert_rules {
    const char *name;
    int64_t quiet_s, most;
} rules[] = {
#define ALERT(kind, quiet_s, most, doc) { #kind, quiet_s, most },
#include "proto/begin.def"
#include "proto/alerts.def"
#include "proto/end.def"
};

static const char RAISE[] = "SELECT id, times, told, open_until FROM alert_raise($1, $2, coalesce($3, ''), "
                            "coalesce($4, ''), coalesce($5, ''), coalesce($6, ''), $7, $8, $9, $10)";

struct raised {
    struct id id;
    int64_t times, told, open_until;
};
static const struct wire_field raised_fields[] = {
    ROW_FIELD(struct raised, id, ID),
    ROW_FIELD(struct raised, times, INT),
    ROW_FIELD(struct raised, told, INT),
    ROW_FIELD(struct raised, open_until, TIME),
    ROW_END,
};
static const struct wire_shape raised_shape = { "raised", "", sizeof(struct raised), raised_fields };

bool alert_find_kind(struct str name, enum alert_kind *out)
{
    for (size_t i = 0; i < COUNT(rules); i++)
        if (str_is(name, rules[i].name)) {
            *out = (enum alert_kind)i;
            return true;
        }
    return false;
}

/* Nobody's own request waits for the queue of those who tell: what finds no room there is in the list. */
static enum err put_tell(struct pg *pg, struct arena *arena, struct id id, int64_t run_at)
{
    struct principal nobody = { .kind = STR("service") };
    struct wire_error why = { .field = "" };
    struct call call = { .arena = arena, .pg = pg, .who = &nobody, .why = &why };
    enum err e = job_put(&call, &alert_tell_job, id_text(arena, id), &(struct alert_ref){ id }, run_at);

    if (e != ERR_OVERLOADED) return e;
    LOG_BOUNDED(WARN, "auth.alert_not_told", F_ID("alert", id));
    return OK;
}

enum err alert_raise(struct pg *pg, struct arena *arena, const struct alert_about *about)
{
    const struct alert_rules *row = &rules[about->kind];
    int64_t n = about->times > 0 ? about->times : 1;
    struct raised raised = { .times = 0 };
    struct id id = id_is_nil(about->id) ? id_new() : about->id;

    TRY(pg_one(pg, arena, &raised_shape, &raised, RAISE,
        PG_ARGS(pg_id(id), pg_text(str_of(row->name)), pg_text(about->address), pg_text(about->subject),
            pg_text(about->key), pg_text(about->detail), pg_int(n), pg_time(clock_ms()), pg_int(row->quiet_s),
            pg_int(row->most))));
    if (raised.times == raised.told) return put_tell(pg, arena, raised.id, 0);
    return raised.times - n == raised.told ? put_tell(pg, arena, raised.id, raised.open_until) : OK;
}

/* Gateways hear of it by the trigger. */
static const char END[] =
    "UPDATE alert SET over_at = $2, open_until = least(open_until, $2), last_at = greatest(last_at, $2), detail = $3,"
    " times = greatest(times, $4), told = greatest(times, $4) WHERE id = $1 AND over_at IS NULL";

enum err alert_end(struct pg *pg, struct arena *arena, const struct alert_news *news)
{
    int64_t rows = 0;

    TRY(pg_run(pg, arena, END,
        PG_ARGS(pg_id(news->id), pg_time(clock_ms()), pg_text(news->detail), pg_int(news->times)), &rows));
    return rows == 0 ? ERR_NOT_FOUND : put_tell(pg, arena, news->id, 0);
}
