/* notices.c - what administrators say to everybody, while it holds; gateways hear of it by the trigger of the table. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/base/plain_text.h"
#include "services/auth/auth.h"

#define NOTICES_MAX 20 /* proto/auth.def: notice_page */
#define YEAR_MS     INT64_C(31536000000)

#define NOTICE_COLUMNS "id, text, at, until, made_by AS by"

/* One at a time, so that there are no more than gateways tell. */
static const char LOCK[] = "SELECT pg_advisory_xact_lock(hashtextextended('madang.auth.notice', 0))";
static const char ADD_NOTICE[] = "INSERT INTO notice (id, text, made_by, at, until) SELECT $1, $2, $3, $4, $5 WHERE"
                                 " (SELECT count(*) FROM notice WHERE until > $4) < $6 RETURNING " NOTICE_COLUMNS;
static const char NOTICES[] =
    "SELECT " NOTICE_COLUMNS " FROM notice WHERE until > $1 ORDER BY at DESC, id DESC LIMIT $2";
static const char REMOVE_NOTICE[] = "DELETE FROM notice WHERE id = $1 AND until > $2 RETURNING " NOTICE_COLUMNS;

static enum err read_until(struct call *call, const struct notice_draft *draft, int64_t *until)
{
    *until = draft->until > 0 ? draft->until : call->now + draft->for_s * 1000;
    if (*until <= call->now) return call_fail(call, ERR_INVALID_ARGUMENT, "until: is over already");
    if (*until > call->now + YEAR_MS) return call_fail(call, ERR_INVALID_ARGUMENT, "until: is more than a year ahead");
    return OK;
}

enum err notice_put(struct call *call, const struct notice_draft *draft, struct notice *rep)
{
    struct str who = call->who->sub.len > 0 ? call->who->sub : call->peer_name;
    int64_t until;

    TRY(read_until(call, draft, &until));
    if (!text_is_plain(draft->text))
        return call_fail(
            call, ERR_INVALID_ARGUMENT, "text: has a character that is not seen, or begins or ends with a blank");
    TRY(pg_run(call->pg, call->arena, LOCK, PG_NO_ARGS, NULL));
    enum err e = pg_one(call->pg, call->arena, notice_shape(), rep, ADD_NOTICE,
        PG_ARGS(pg_id(id_new()), pg_text(draft->text), pg_text(who), pg_time(call->now), pg_time(until),
            pg_int(NOTICES_MAX)));
    if (e == ERR_NOT_FOUND)
        return call_fail(call, ERR_TOO_LARGE, "there are %d notices already: withdraw one", NOTICES_MAX);
    TRY(e);
    TRY(audit_record(call, "notice.put", id_text(call->arena, rep->id), notice_shape(), rep));
    trust_changed(call);
    return OK;
}

enum err notice_list(struct call *call, const struct nothing *req, struct notice_page *rep)
{
    (void)req;
    return pg_all(call->pg, call->arena, notice_shape(), &rep->notices, NOTICES_MAX, NOTICES,
        PG_ARGS(pg_time(call->now), pg_int(NOTICES_MAX)));
}

enum err notice_withdraw(struct call *call, const struct notice_ref *req, struct notice *rep)
{
    TRY(pg_one(
        call->pg, call->arena, notice_shape(), rep, REMOVE_NOTICE, PG_ARGS(pg_id(req->notice), pg_time(call->now))));
    TRY(audit_record(call, "notice.withdraw", id_text(call->arena, rep->id), notice_shape(), rep));
    trust_changed(call);
    return OK;
}
