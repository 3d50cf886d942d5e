/* report_create.c - a member reports a message that they read, or another member. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/db/pg.h"
#include "libshared/rpc/quota.h"
#include "services/store/moderation/moderation.h"

static bool is_reason(struct str name)
{
    static const char *const reasons[] = {
#define REPORTED(name, doc) #name,
#include "proto/begin.def"
#include "proto/moderation.def"
#include "proto/end.def"
    };

    for (size_t i = 0; i < COUNT(reasons); i++)
        if (str_is(name, reasons[i])) return true;
    return false;
}

static const char KNOWN[] = "SELECT id, created_at FROM report WHERE room_id = $1 AND seq = $2 AND subject = $3"
                            " AND reporter = $4";
/* What is one more of what many have reported is as good as taken. */
static const char ADD[] = "INSERT INTO report (id, room_id, seq, subject, reporter, reason, text, created_at)"
                          " SELECT $5, $1, $2, $3, $4, $6, nullif($7, ''), $8 WHERE (SELECT count(*) FROM (SELECT FROM"
                          " report WHERE room_id = $1 AND seq = $2 AND subject = $3 LIMIT $9) r) < $9"
                          " ON CONFLICT DO NOTHING";

static enum err put_report(
    struct call *call, const struct report_draft *draft, struct str subject, struct report_receipt *rep)
{
    struct pg_args args = *PG_ARGS(pg_id(draft->room), pg_int(draft->seq), pg_text(subject), pg_text(call->who->sub),
        pg_id(id_new()), pg_text(draft->reason), pg_text(draft->text), pg_time(call->now),
        pg_int(((const struct store *)call->context)->settings->reports_of_one));
    struct pg_args known = args;
    int64_t rows;

    known.n = 4;
    enum err e = pg_one(call->pg, call->arena, report_receipt_shape(), rep, KNOWN, &known);
    if (e != ERR_NOT_FOUND) return e;
    TRY(pg_run(call->pg, call->arena, ADD, &args, &rows));
    *rep = (struct report_receipt){ id_new(), call->now };
    if (rows == 0) { /* a repeat that came at the same moment; or known already */
        e = pg_one(call->pg, call->arena, report_receipt_shape(), rep, KNOWN, &known);
        return e == ERR_NOT_FOUND ? OK : e;
    }
    TRY(pg_one(call->pg, call->arena, report_receipt_shape(), rep, KNOWN, &known));
    return quota_take(call, QUOTA_reports, 1);
}

static enum err report_message(struct call *call, const struct moderation *m, struct str *subject)
{
    const struct report_draft *draft = m->req;
    const struct message about = {
        .room = draft->room, .target = draft->seq, .sender = call->who->sub, .id = STR(""), .body = STR("")
    };
    struct target target = { .at = 0 };
    enum err e = target_read(call->pg, call->arena, &about, &target);

    if (e == ERR_NOT_FOUND || (e == OK && !history_reads(m->may.reads_after, target.at)))
        return call_fail(call, ERR_NOT_FOUND, "there is no such message");
    TRY(e);
    if (target.is_deleted) return call_fail(call, ERR_NOT_FOUND, "the message was deleted");
    *subject = target.sender;
    return OK;
}

static enum err work_report(struct pg *pg, struct arena *arena, void *arg)
{
    struct moderation *m = arg;
    const struct report_draft *draft = m->req;
    struct call call = call_on_worker(m->call, pg, arena);
    struct str subject = draft->member;

    if (draft->seq > 0) TRY(report_message(&call, m, &subject));
    if (str_eq(subject, call.who->sub)) return call_fail(&call, ERR_INVALID_ARGUMENT, "one does not report oneself");
    return put_report(&call, draft, subject, m->rep);
}

static void on_member(void *arg, enum err e, struct log_access may)
{
    struct moderation *m = arg;

    if (e != OK)
        moderation_end(m, call_fail(m->call, e, "chat did not say who is in this room"));
    else if (may.role == ROLE_none)
        moderation_end(m, call_fail(m->call, ERR_NOT_FOUND, "they are no member of this room"));
    else
        moderation_work(m);
}

static void check_member(struct moderation *m)
{
    const struct report_draft *draft = m->req;

    if (draft->seq > 0)
        moderation_work(m);
    else
        access_cache_ask(store_chat(m->store, m->room)->access, m->room, draft->member, on_member, m);
}

static enum err check_draft(struct call *call, const struct report_draft *draft)
{
    if ((draft->seq > 0) == (draft->member.len > 0))
        return call_fail(call, ERR_INVALID_ARGUMENT, "seq: a report is of a message, or of a member");
    if (is_reason(draft->reason)) return OK;
    return call_fail(
        call, ERR_INVALID_ARGUMENT, "reason: is spam, harassment, hate, violence, illegal, personal_data or other");
}

void report_create(struct call *call, const struct report_draft *req, struct rpc_later *later)
{
    enum err e = check_draft(call, req);

    if (e != OK) {
        rpc_later_done(later, e, NULL);
        return;
    }
    moderation_begin(call,
        &(struct moderation){ .room = req->room,
            .right = MAY_read,
            .req = req,
            .go_on = check_member,
            .work = work_report,
            .rep = arena_zero(call->arena, sizeof(struct report_receipt)) },
        later);
}
