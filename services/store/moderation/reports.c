/* reports.c - reports as they lie in their table: some, who looks into one, what was decided; and those that are no more. */
// SPDX-License-Identifier: Apache-2.0
#include <stddef.h>

#include "libshared/db/pg.h"
#include "libshared/db/rows.h"
#include "libshared/jobs/deeds.h"
#include "libshared/rpc/quota.h"
#include "libshared/wire/columns.h"
#include "services/store/moderation/moderation.h"

#define PAGE_MAX 100   /* proto/store.def: report_page.reports */
#define OPEN_MAX 10000 /* MADANG_STORE_REPORTS_OF_ONE */

#define REPORT                                                                                                         \
    "id, room_id AS room, seq, subject, reporter, reason, text, created_at, state, assigned_to, outcome, note,"        \
    " resolved_at, resolved_by"

static bool is_outcome(struct str name)
{
    static const char *const outcomes[] = {
#define OUTCOME(name, doc) #name,
#include "proto/begin.def"
#include "proto/moderation.def"
#include "proto/end.def"
    };

    for (size_t i = 0; i < COUNT(outcomes); i++)
        if (str_is(name, outcomes[i])) return true;
    return false;
}

/* --- some --- */

/* Each with an index of its own: of a room, about somebody, of a state, all. */
#define SOME(where)                                                                                                    \
    "SELECT " REPORT " FROM report WHERE " where                                                                       \
    " AND id < coalesce($2, 'ffffffff-ffff-ffff-ffff-ffffffffffff'::uuid)"                                             \
    " AND ($3::text IS NULL OR subject <> $3) AND ($4::text IS NULL OR state = $4)"                                    \
    " AND ($5::text IS NULL OR subject = $5) ORDER BY id DESC LIMIT $6"
static const char OF_ROOM[] = SOME("room_id = $1");
static const char ABOUT[] = SOME("subject = $5 AND $1::uuid IS NULL");
static const char OF_STATE[] = SOME("state = $4 AND $1::uuid IS NULL");
static const char ALL[] = SOME("$1::uuid IS NULL");

enum err report_slice_check(struct call *call, struct str state, struct str after, struct id *out)
{
    *out = (struct id){ { 0 } };
    if (state.len > 0 && !str_is(state, "open") && !str_is(state, "resolved"))
        return call_fail(call, ERR_INVALID_ARGUMENT, "state: is open or resolved");
    if (after.len == 0 || id_parse(after, out)) return OK;
    return call_fail(call, ERR_INVALID_ARGUMENT, "after: no page has given that");
}

static struct str text_or_none(struct str text)
{
    return text.len > 0 ? text : STR_NONE;
}

static struct str id_text(struct arena *arena, struct id id)
{
    char text[ID_TEXT_BYTES + 1];

    id_format(id, text);
    return arena_str(arena, str_of(text));
}

static struct str_list people_of(struct arena *arena, struct report_list reports)
{
    struct str_list people = { arena_alloc(arena, 2 * reports.len * sizeof *people.at + 1), 0 };

    for (size_t i = 0; i < reports.len; i++) {
        people.at[people.len++] = reports.at[i].subject;
        if (reports.at[i].reporter.len > 0) people.at[people.len++] = reports.at[i].reporter;
    }
    return people;
}

enum err report_list_read(struct call *call, const struct report_slice *slice, struct report_page *out)
{
    const char *sql = !id_is_nil(slice->room)  ? OF_ROOM
                      : slice->subject.len > 0 ? ABOUT
                      : slice->state.len > 0   ? OF_STATE
                                               : ALL;

    TRY(pg_all(call->pg, call->arena, report_shape(), &out->reports, PAGE_MAX, sql,
        PG_ARGS(pg_id(slice->room), pg_id(slice->after), pg_text(slice->seer), pg_text(text_or_none(slice->state)),
            pg_text(text_or_none(slice->subject)), pg_int(slice->limit))));
    out->meta = arena_zero(call->arena, sizeof *out->meta);
    *out->meta = (struct page_meta){ .limit = slice->limit, .total = -1 };
    if (out->reports.len == (size_t)slice->limit)
        out->meta->next = id_text(call->arena, out->reports.at[out->reports.len - 1].id);
    return directory_people(call->pg, call->arena, people_of(call->arena, out->reports), &out->users);
}

/* --- one --- */

static const char ONE[] = "SELECT " REPORT " FROM report WHERE id = $1 AND ($2::uuid IS NULL OR room_id = $2)"
                          " AND ($3::text IS NULL OR subject <> $3) FOR NO KEY UPDATE";

static enum err hold_report(struct call *call, const struct report_place *place, struct report *out)
{
    enum err e = pg_one(call->pg, call->arena, report_shape(), out, ONE,
        PG_ARGS(pg_id(place->id), pg_id(place->room), pg_text(place->seer)));

    return e == ERR_NOT_FOUND ? call_fail(call, e, "there is no such report") : e;
}

static struct str who_acts(const struct call *call)
{
    return call->who->sub.len > 0 ? call->who->sub : call->peer_name;
}

static const char ASSIGN[] = "UPDATE report SET assigned_to = $2 WHERE id = $1";

enum err report_set_assigned(struct call *call, const struct report_place *place, struct str to, struct report *out)
{
    struct report_assignment deed = { .report = place->id, .to = to.len > 0 ? to : who_acts(call) };

    TRY(hold_report(call, place, out));
    if (str_is(out->state, "resolved")) return call_fail(call, ERR_CONFLICT, "it is resolved already");
    if (str_eq(out->assigned_to, deed.to)) return OK; /* said twice */
    TRY(pg_run(call->pg, call->arena, ASSIGN, PG_ARGS(pg_id(place->id), pg_text(deed.to)), NULL));
    out->assigned_to = deed.to;
    deed.room = out->room;
    return deed_put_room(call, &audit_tell_job, "report.assign", out->room, report_assignment_shape(), &deed);
}

/* Whose quotas get something back, in the order in which others take from them. */
struct decided {
    struct str reporter;
};
struct decided_list {
    struct decided *at;
    size_t len;
};
static const struct wire_field decided_fields[] = { ROW_FIELD(struct decided, reporter, TEXT), ROW_END };
static const struct wire_shape decided_shape = { "decided", "", sizeof(struct decided), decided_fields };

static const char HOLD_OPEN[] = "SELECT FROM report WHERE room_id = $1 AND seq = $2 AND subject = $3 AND state = 'open'"
                                " ORDER BY id FOR NO KEY UPDATE";
static const char RESOLVE[] =
    "WITH done AS (UPDATE report SET state = 'resolved', outcome = $4, note = $5, resolved_at = $6, resolved_by = $7"
    "  WHERE room_id = $1 AND seq = $2 AND subject = $3 AND state = 'open' RETURNING reporter)"
    " SELECT reporter FROM done WHERE reporter IS NOT NULL ORDER BY reporter";

static enum err decide(struct call *call, const struct report *report, struct str outcome, struct str note)
{
    struct pg_args args = *PG_ARGS(pg_id(report->room), pg_int(report->seq), pg_text(report->subject), pg_text(outcome),
        pg_text(note), pg_time(call->now), pg_text(who_acts(call)));
    struct decided_list decided;
    struct pg_args open = args;

    open.n = 3;
    TRY(pg_run(call->pg, call->arena, HOLD_OPEN, &open, NULL));
    TRY(pg_all(call->pg, call->arena, &decided_shape, &decided, OPEN_MAX, RESOLVE, &args));
    for (size_t i = 0; i < decided.len; i++) TRY(quota_give(call, QUOTA_reports, decided.at[i].reporter, 1));
    return OK;
}

/* A repeat of what was decided so is answered with that. */
enum err report_set_resolved(
    struct call *call, const struct report_place *place, struct str outcome, struct str note, struct report *out)
{
    struct report_resolution deed = { .report = place->id, .outcome = outcome, .note = note };

    if (!is_outcome(outcome))
        return call_fail(
            call, ERR_INVALID_ARGUMENT, "outcome: is nothing, withheld, deleted, muted, removed or banned");
    TRY(hold_report(call, place, out));
    if (str_is(out->state, "resolved") && str_eq(out->outcome, outcome)) return OK;
    if (str_is(out->state, "resolved"))
        return call_fail(call, ERR_CONFLICT, "it is resolved already: %.*s", STR_ARG(out->outcome));
    TRY(decide(call, out, outcome, note));
    deed.room = out->room;
    TRY(deed_put_room(call, &audit_tell_job, "report.resolve", out->room, report_resolution_shape(), &deed));
    return hold_report(call, place, out);
}

/* --- those that are no more --- */

static const char EXPIRE[] = REPORTS_GO("created_at < $2 ORDER BY created_at LIMIT $1");

enum err report_expire(struct call *call, const struct job *job, const struct nothing *payload)
{
    const struct store *store = call->context;
    int64_t before = call->now - store->settings->report_days * INT64_C(86400000);

    (void)payload;
    return job_remove_rows(call, job, "reports", EXPIRE, PG_ARGS(pg_time(before)));
}

static const char FORGET_ABOUT[] = REPORTS_GO("subject = $1 LIMIT $2");
/* What they reported of others stays to be decided, of nobody. */
static const char FORGET_REPORTER[] =
    "UPDATE report SET reporter = NULL, text = NULL WHERE id IN (SELECT id FROM report"
    " WHERE reporter = $1 LIMIT $2)";

enum err reports_erase_some(struct call *call, struct str subject, int64_t most, int64_t *rows)
{
    const struct pg_args *args = PG_ARGS(pg_text(subject), pg_int(most));
    int64_t about, by;

    TRY(pg_run(call->pg, call->arena, FORGET_ABOUT, args, &about));
    TRY(pg_run(call->pg, call->arena, FORGET_REPORTER, args, &by));
    *rows = by + about;
    return OK;
}
