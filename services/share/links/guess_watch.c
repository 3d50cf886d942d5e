/*
 * guess_watch.c - operators are told when there are too many wrong passwords, of whatever links from whatever networks; a job.
 *
 *      quiet --MADANG_SHARE_PASSWORD_ALARM tries--> alarm: an alert --fewer than half of them--> quiet: it is over
 *
 * Nobody is refused for what others guess (docs/why/0095), so this only tells.  It counts the rows that link_guess.c keeps: what a
 * killed process had counted is there, and the alarm is a row, which stands until it is over.  No link is named in it.
 */
// SPDX-License-Identifier: Apache-2.0
#include <inttypes.h>

#include "libshared/db/rows.h"
#include "services/share/links/links.h"

#define WINDOW_MS INT64_C(600000)
#define ROWS_MAX  100000 /* the newest are counted */

/* What a network has tried in a row, if it has within the window. */
struct guess_count {
    int64_t links, networks, tries;
    struct id alert; /* of the alarm; nil: there is none */
};
static const struct wire_field guess_count_fields[] = {
    ROW_FIELD(struct guess_count, links, INT),
    ROW_FIELD(struct guess_count, networks, INT),
    ROW_FIELD(struct guess_count, tries, INT),
    ROW_FIELD(struct guess_count, alert, ID),
    ROW_END,
};
static const struct wire_shape guess_count_shape = { "count", "", sizeof(struct guess_count), guess_count_fields };

static const char COUNT_GUESSES[] =
    "SELECT count(DISTINCT link) AS links, count(DISTINCT who) AS networks, coalesce(sum(failures), 0)::bigint AS "
    "tries,"
    " NULL::uuid AS alert FROM (SELECT link, who, failures FROM share_guess WHERE changed_at > $1"
    " ORDER BY changed_at DESC LIMIT $2) newest WHERE failures > 0";
static const char ALARM[] = "SELECT links, networks, tries, alert FROM share_guess_alarm";
static const char BEGIN_ALARM[] =
    "INSERT INTO share_guess_alarm (alert, links, networks, tries) VALUES ($1, $2, $3, $4)";
static const char GO_ON[] =
    "UPDATE share_guess_alarm SET links = greatest(links, $1), networks = greatest(networks, $2),"
    " tries = greatest(tries, $3)";
static const char END_ALARM[] = "DELETE FROM share_guess_alarm";

/* Under one key: what was not told yet when it is over is told as one. */
static enum err tell(struct call *call, const struct guess_count *count, bool over)
{
    const struct alert_news news = { .id = count->alert,
        .kind = STR("link_guesses"),
        .detail = arena_printf(call->arena, "%" PRId64 " links, %" PRId64 " networks, %" PRId64 " tries", count->links,
            count->networks, count->tries),
        .times = count->tries,
        .over = over };

    call_note(call, F_STR("guesses", news.detail));
    call_note(call, F_BOOL("over", over));
    return job_put(call, &alert_tell_job, news.kind, &news, 0);
}

static enum err begin_alarm(struct call *call, struct guess_count *now)
{
    now->alert = id_new();
    TRY(pg_run(call->pg, call->arena, BEGIN_ALARM,
        PG_ARGS(pg_id(now->alert), pg_int(now->links), pg_int(now->networks), pg_int(now->tries)), NULL));
    return tell(call, now, false);
}

static enum err end_alarm(struct call *call, const struct guess_count *alarm)
{
    TRY(pg_run(call->pg, call->arena, END_ALARM, PG_NO_ARGS, NULL));
    return tell(call, alarm, true);
}

enum err guess_watch(struct call *call, const struct job *job, const struct nothing *payload)
{
    int64_t bound = share_settings(call)->password_alarm;
    struct guess_count now = { .tries = 0 }, alarm = { .tries = 0 };

    (void)job, (void)payload;
    TRY(pg_one(call->pg, call->arena, &guess_count_shape, &now, COUNT_GUESSES,
        PG_ARGS(pg_time(call->now - WINDOW_MS), pg_int(ROWS_MAX))));
    enum err e = pg_one(call->pg, call->arena, &guess_count_shape, &alarm, ALARM, PG_NO_ARGS);
    if (e == ERR_NOT_FOUND) return now.tries >= bound ? begin_alarm(call, &now) : OK;
    TRY(e);
    if (now.tries < (bound + 1) / 2) return end_alarm(call, &alarm);
    return pg_run(
        call->pg, call->arena, GO_ON, PG_ARGS(pg_int(now.links), pg_int(now.networks), pg_int(now.tries)), NULL);
}
