/* share_report.c - somebody reports what a link has shown them. */
// SPDX-License-Identifier: Apache-2.0
#include <stddef.h>
#include <string.h>

#include "libshared/base/network.h"
#include "libshared/db/rows.h"
#include "services/share/reports/reports.h"

const struct report_reason report_reasons[REPORT_REASONS] = {
#define REASON(name, en, ko) { #name, en, ko },
#include "proto/report_reasons.def"
#undef REASON
};

bool report_reason_is(struct str name)
{
    for (size_t i = 0; i < REPORT_REASONS; i++)
        if (str_is(name, report_reasons[i].name)) return true;
    return false;
}

const struct sealed_column sealed_share_report_email = SEALED_COLUMN("share", share_report, id, email);

/* Whoever is behind it is asked there, or not at all: nothing is sent to it. */
static bool is_address(struct str email)
{
    const char *at = memrchr(email.at, '@', email.len);

    return at != NULL && at > email.at && at + 1 < email.at + email.len;
}

static enum err check_report(struct call *call, const struct share_report_draft *draft, const struct link_visit *visit)
{
    if (!visit->is_fresh)
        return call_fail(call, ERR_FORBIDDEN, "the link is to be opened first, and its visit brought");
    if (!report_reason_is(draft->reason))
        return call_fail(call, ERR_INVALID_ARGUMENT, "reason: is spam, illegal, personal_data, copyright or other");
    if (draft->email.len > 0 && !is_address(draft->email))
        return call_fail(call, ERR_INVALID_ARGUMENT, "email: is no address");
    return OK;
}

/* One after the other of a link, so that there are no more than may be; what is beyond them, or there already, is no other one. */
static const char HOLD[] = "SELECT FROM share_link WHERE id = $1 FOR NO KEY UPDATE";
static const char ADD_REPORT[] =
    "INSERT INTO share_report (id, link, conversation, owner, network, reason, text, email, created_at)"
    " SELECT $1, l.id, l.conversation, l.owner, $3, $4, nullif($5, ''), $6, $7 FROM share_link l WHERE l.id = $2"
    " AND (SELECT count(*) FROM share_report WHERE link = $2) < $8 ON CONFLICT (link, network) DO NOTHING";

/* Many within an hour are one alert. */
static enum err tell_operators(struct call *call, struct id report)
{
    const struct alert_news news = { .id = report, .kind = STR("share_reports"), .times = 1 };

    return job_put(call, &alert_tell_job, news.kind, &news, 0);
}

enum err report_put(
    struct call *call, const struct share_report_draft *draft, const struct link_visit *visit, struct id link)
{
    char network[ADDRESS_NETWORK_CHARS + 1];
    struct id id = id_new();
    struct str email = STR_NONE;
    int64_t rows = 0;

    TRY(check_report(call, draft, visit));
    if (draft->email.len > 0)
        email = column_seal(call->arena, &sealed_share_report_email, link_uses_id(call->arena, id), draft->email);
    TRY(pg_run(call->pg, call->arena, HOLD, PG_ARGS(pg_id(link)), NULL));
    TRY(pg_run(call->pg, call->arena, ADD_REPORT,
        PG_ARGS(pg_id(id), pg_id(link), pg_text(address_network_name(call->who->address, network)),
            pg_text(draft->reason), pg_text(draft->text), pg_bytes(email), pg_time(call->now),
            pg_int(share_settings(call)->reports_per_link)),
        &rows));
    return rows == 0 ? OK : tell_operators(call, id);
}

enum err share_report(struct call *call, const struct share_report_draft *draft, struct nothing *rep)
{
    struct link_visit visit = visit_read(call, draft->share_visit, draft->code, STR_NONE);
    struct found_link link;

    (void)rep;
    TRY(link_find(call, &visit, &link));
    return report_put(call, draft, &visit, link.id);
}

/* --- what is old --- */

static const char EXPIRE[] = "DELETE FROM share_report WHERE id IN (SELECT id FROM share_report WHERE created_at < $2"
                             " ORDER BY created_at LIMIT $1)";

enum err report_expire(struct call *call, const struct job *job, const struct nothing *payload)
{
    int64_t before = call->now - share_settings(call)->report_days * INT64_C(86400000);

    (void)payload;
    return job_remove_rows(call, job, "reports", EXPIRE, PG_ARGS(pg_time(before)));
}
