/* reports_list.c - what was reported, for operators, who decide about it. */
// SPDX-License-Identifier: Apache-2.0
#include <stddef.h>

#include "libshared/db/rows.h"
#include "libshared/jobs/deeds.h"
#include "services/share/reports/reports.h"

#define PAGE_MAX 100 /* proto/share.def: share_report_page */

#define REPORT                                                                                                         \
    "id, link, conversation, owner, reason, text, network, created_at, state, assigned_to, resolved_at, resolved_by, " \
    "note"

/* --- who may be asked --- */

struct report_email {
    struct id id;
    struct str sealed;
};
struct report_email_list {
    struct report_email *at;
    size_t len;
};
static const struct wire_field report_email_fields[] = { ROW_FIELD(struct report_email, id, ID),
    ROW_FIELD(struct report_email, sealed, BYTES), ROW_END };
static const struct wire_shape report_email_shape = { "report_email", "", sizeof(struct report_email),
    report_email_fields };

static const char EMAILS[] = "SELECT id, email AS sealed FROM share_report WHERE id = ANY ($1) AND email IS NOT NULL";

/* One that cannot be opened is left out: the report is what it is. */
static void open_email(struct call *call, struct share_report_list reports, const struct report_email *email)
{
    struct str text;

    if (column_unseal(
            call->arena, &sealed_share_report_email, link_uses_id(call->arena, email->id), email->sealed, &text) != OK)
        return;
    for (size_t i = 0; i < reports.len; i++)
        if (id_eq(reports.at[i].id, email->id)) reports.at[i].email = text;
}

static enum err add_emails(struct call *call, struct share_report_list reports)
{
    struct id_list ids = { arena_alloc(call->arena, (reports.len + 1) * sizeof *ids.at), reports.len };
    struct report_email_list emails = { NULL, 0 };

    for (size_t i = 0; i < reports.len; i++) ids.at[i] = reports.at[i].id;
    TRY(pg_all(
        call->pg, call->arena, &report_email_shape, &emails, PAGE_MAX, EMAILS, PG_ARGS(pg_ids(call->arena, ids))));
    for (size_t i = 0; i < emails.len; i++) open_email(call, reports, &emails.at[i]);
    return OK;
}

/* --- some, and one --- */

/* Each with an index of its own: what is open is looked at most. */
static const char ALL[] = "SELECT " REPORT " FROM share_report WHERE $1::text IS NULL AND id < coalesce($2,"
                          " 'ffffffff-ffff-ffff-ffff-ffffffffffff'::uuid) ORDER BY id DESC LIMIT $3";
static const char OF_STATE[] = "SELECT " REPORT " FROM share_report WHERE state = $1 AND id < coalesce($2,"
                               " 'ffffffff-ffff-ffff-ffff-ffffffffffff'::uuid) ORDER BY id DESC LIMIT $3";
static const char ONE[] = "SELECT " REPORT " FROM share_report WHERE id = $1";

static bool is_state(struct str state)
{
    return str_is(state, "open") || str_is(state, "dismissed") || str_is(state, "taken_down");
}

enum err share_reports_list(struct call *call, const struct share_report_query *req, struct share_report_page *rep)
{
    struct str state = req->state.len > 0 ? req->state : STR_NONE;
    struct id after = { { 0 } };

    if (state.len > 0 && !is_state(state))
        return call_fail(call, ERR_INVALID_ARGUMENT, "state: is open, dismissed or taken_down");
    if (req->after.len > 0 && !id_parse(req->after, &after))
        return call_fail(call, ERR_INVALID_ARGUMENT, "after: no page has given that");
    TRY(pg_all(call->pg, call->arena, share_report_shape(), &rep->reports, PAGE_MAX, state.len > 0 ? OF_STATE : ALL,
        PG_ARGS(pg_text(state), pg_id(after), pg_int(req->limit))));
    rep->meta = arena_zero(call->arena, sizeof *rep->meta);
    *rep->meta = (struct page_meta){ .limit = req->limit, .total = -1 };
    if (rep->reports.len == (size_t)req->limit)
        rep->meta->next = link_uses_id(call->arena, rep->reports.at[rep->reports.len - 1].id);
    return add_emails(call, rep->reports);
}

enum err report_read(struct call *call, struct id id, struct share_report *out)
{
    enum err e = pg_one(call->pg, call->arena, share_report_shape(), out, ONE, PG_ARGS(pg_id(id)));

    if (e == ERR_NOT_FOUND) return call_fail(call, e, "there is no such report");
    TRY(e);
    return add_emails(call, (struct share_report_list){ out, 1 });
}

/* As the link shows it, or would: what is in the trash, or taken down, too. */
static const char SHOWN[] =
    "SELECT coalesce(l.snap_name, c.name) AS name, coalesce(l.snap_data, c.data) AS data, c.public,"
    " coalesce(l.taken_down_at, c.taken_down_at) AS taken_down_at,"
    " CASE WHEN l.taken_down_at IS NULL THEN c.taken_down_for ELSE l.taken_down_for END AS taken_down_for"
    " FROM share_report r JOIN conversation c ON c.id = r.conversation LEFT JOIN share_link l ON l.id = r.link"
    " WHERE r.id = $1";

enum err share_reports_show(struct call *call, const struct share_report_ref *req, struct share_reported *rep)
{
    struct share_report *report = arena_zero(call->arena, sizeof *report);

    TRY(report_read(call, req->report, report));
    enum err e = pg_one(call->pg, call->arena, share_reported_shape(), rep, SHOWN, PG_ARGS(pg_id(req->report)));
    if (e != OK && e != ERR_NOT_FOUND) return e;
    rep->report = report;
    return deed_put(call, &audit_tell_job, "share.look", link_uses_id(call->arena, report->conversation),
        share_report_ref_shape(), req);
}

/* --- what is decided --- */

static const char ASSIGN[] = "UPDATE share_report SET assigned_to = $2 WHERE id = $1";

static struct str who_acts(const struct call *call)
{
    return call->who->sub.len > 0 ? call->who->sub : call->peer_name;
}

enum err share_reports_assign(struct call *call, const struct share_report_assignment *req, struct share_report *rep)
{
    struct share_report_assignment to = { req->report, req->to.len > 0 ? req->to : who_acts(call) };

    TRY(report_read(call, req->report, rep));
    TRY(pg_run(call->pg, call->arena, ASSIGN, PG_ARGS(pg_id(req->report), pg_text(to.to)), NULL));
    rep->assigned_to = to.to;
    return deed_put(call, &audit_tell_job, "share.assign", link_uses_id(call->arena, req->report),
        share_report_assignment_shape(), &to);
}

static const char DISMISS[] = "UPDATE share_report SET state = 'dismissed', resolved_at = $2, resolved_by = $3,"
                              " note = $4 WHERE link = $1 AND state = 'open'";

static enum err dismiss(struct call *call, const struct share_report_resolution *req, const struct share_report *report)
{
    TRY(pg_run(call->pg, call->arena, DISMISS,
        PG_ARGS(pg_id(report->link), pg_time(call->now), pg_text(who_acts(call)), pg_text(req->note)), NULL));
    return deed_put(call, &audit_tell_job, "share.dismiss", link_uses_id(call->arena, report->link),
        share_report_resolution_shape(), req);
}

static enum err take_down(
    struct call *call, const struct share_report_resolution *req, const struct share_report *report)
{
    struct takedown_of of = { .conversation = report->conversation,
        .link = req->whole ? (struct id){ { 0 } } : report->link,
        .reason = req->reason.len > 0 ? req->reason : report->reason,
        .note = req->note };
    struct takedown done = { .note = STR_NONE };

    if (!report_reason_is(of.reason))
        return call_fail(call, ERR_INVALID_ARGUMENT, "reason: is spam, illegal, personal_data, copyright or other");
    return takedown_do(call, &of, &done);
}

/* A repeat of what was decided so is answered with that. */
enum err share_reports_resolve(struct call *call, const struct share_report_resolution *req, struct share_report *rep)
{
    bool is_takedown = str_is(req->as, "taken_down");

    if (!is_takedown && !str_is(req->as, "dismissed"))
        return call_fail(call, ERR_INVALID_ARGUMENT, "as: is dismissed or taken_down");
    TRY(report_read(call, req->report, rep));
    if (str_eq(rep->state, req->as)) return OK;
    if (!str_is(rep->state, "open")) return call_fail(call, ERR_CONFLICT, "it is %.*s already", STR_ARG(rep->state));
    TRY(is_takedown ? take_down(call, req, rep) : dismiss(call, req, rep));
    return report_read(call, req->report, rep);
}
