/* scheduled_change.c - one's messages that are not sent yet: which there are, another time or text, at once, not at all. */
// SPDX-License-Identifier: Apache-2.0
#include <inttypes.h>

#include "libshared/db/pg.h"
#include "libshared/db/rows.h"
#include "libshared/rpc/quota.h"
#include "services/store/scheduled/scheduled.h"

/* Of `sending` it may be that it is in the log. */
#define OWN     " WHERE subject = $1 AND room_id = $2 AND id = $3"
#define WAITING OWN " AND NOT sending"

static enum err check_author(struct call *call)
{
    if (call->who->sub.len > 0) return OK;
    return call_fail(call, ERR_UNAUTHENTICATED, "a message needs a sender");
}

/* --- the list --- */

static const char LIST[] = "SELECT " SCHEDULED_COLUMNS " FROM scheduled WHERE subject = $1"
                           " AND ($2::uuid IS NULL OR room_id = $2)"
                           " AND (send_at, nth) > (COALESCE($3, '-infinity'::timestamptz), $4::bigint)"
                           " ORDER BY send_at, nth LIMIT $5";
static const char NTH[] = "SELECT nth FROM scheduled" OWN;

struct row_number {
    int64_t nth;
};
static const struct wire_field row_number_fields[] = { ROW_FIELD(struct row_number, nth, INT), ROW_END };
static const struct wire_shape row_number_shape = { "row_number", "", sizeof(struct row_number), row_number_fields };

static enum err read_place(struct call *call, struct str after, int64_t *send_at, int64_t *nth)
{
    *send_at = *nth = 0;
    if (after.len == 0) return OK;
    if (str_to_int(str_cut(&after, '.'), send_at) && *send_at > 0 && str_to_int(after, nth) && *nth >= 0) return OK;
    return call_fail(call, ERR_INVALID_ARGUMENT, "after: no page has given that");
}

static enum err place_page(struct call *call, const struct scheduled_query *req, struct scheduled_page *rep)
{
    struct row_number number = { 0 };

    rep->meta = arena_zero(call->arena, sizeof *rep->meta);
    *rep->meta = (struct page_meta){ .limit = req->limit, .total = -1 };
    if ((int64_t)rep->scheduled.len < req->limit) return OK;
    const struct scheduled_message *last = &rep->scheduled.at[rep->scheduled.len - 1];
    TRY(pg_one(call->pg, call->arena, &row_number_shape, &number, NTH,
        PG_ARGS(pg_text(call->who->sub), pg_id(last->room), pg_text(last->id))));
    rep->meta->next = arena_printf(call->arena, "%" PRId64 ".%" PRId64, last->send_at, number.nth);
    return OK;
}

enum err scheduled_list(struct call *call, const struct scheduled_query *req, struct scheduled_page *rep)
{
    int64_t send_at, nth;

    TRY(check_author(call));
    TRY(read_place(call, req->after, &send_at, &nth));
    TRY(pg_one_snapshot(call->pg, call->arena));
    TRY(pg_all(call->pg, call->arena, scheduled_message_shape(), &rep->scheduled, (size_t)req->limit, LIST,
        PG_ARGS(pg_text(call->who->sub), pg_id(req->room), pg_time(send_at), pg_int(nth), pg_int(req->limit))));
    return place_page(call, req, rep);
}

/* --- one --- */

static void tell(struct rpc_server *server, void *context, void *arg)
{
    (void)context;
    scheduled_tell(server, arg);
}

static void tell_change(struct call *call, const struct scheduled_message *message)
{
    const struct scheduled_news news = { .subject = call->who->sub,
        .message = arena_copy(call->arena, message, sizeof *message) };

    call_after(call, tell, arena_copy(call->arena, &news, sizeof news));
}

static void tell_cancellation(struct call *call, const struct scheduled_ref *ref)
{
    const struct scheduled_end end = { .room = ref->room, .id = ref->id };
    const struct scheduled_news news = { .subject = call->who->sub, .end = arena_copy(call->arena, &end, sizeof end) };

    call_after(call, tell, arena_copy(call->arena, &news, sizeof news));
}

static const char READ[] = "SELECT " SCHEDULED_COLUMNS " FROM scheduled" OWN;

/* One that is being sent, or none. */
static enum err read_own(struct call *call, const struct scheduled_ref *ref, struct scheduled_message *out)
{
    enum err e = pg_one(call->pg, call->arena, scheduled_message_shape(), out, READ,
        PG_ARGS(pg_text(call->who->sub), pg_id(ref->room), pg_text(ref->id)));

    return e == ERR_NOT_FOUND ? call_fail(call, e, "no such message waits") : e;
}

static enum err refuse_late(struct call *call, const struct scheduled_ref *ref)
{
    struct scheduled_message sent;

    TRY(read_own(call, ref, &sent));
    return call_fail(call, ERR_CONFLICT, "it is being sent just now");
}

/* Another text does not send what was refused: that takes another time. */
static const char CHANGE[] =
    "UPDATE scheduled SET send_at = COALESCE($4, send_at), try_at = COALESCE($4, try_at), body = COALESCE($5, body),"
    " refused = CASE WHEN $4::timestamptz IS NULL THEN refused END,"
    " why = CASE WHEN $4::timestamptz IS NULL THEN why END" WAITING " RETURNING " SCHEDULED_COLUMNS;

enum err scheduled_change(struct call *call, const struct scheduled_change *req, struct scheduled_message *rep)
{
    TRY(check_author(call));
    TRY(entry_check_length(call, req->body));
    if (req->send_at > 0) TRY(scheduled_check_time(call, req->send_at));
    enum err e = pg_one(call->pg, call->arena, scheduled_message_shape(), rep, CHANGE,
        PG_ARGS(
            pg_text(call->who->sub), pg_id(req->room), pg_text(req->id), pg_time(req->send_at), pg_text(req->body)));
    if (e == ERR_NOT_FOUND) return refuse_late(call, &(struct scheduled_ref){ req->room, req->id });
    TRY(e);
    if (req->send_at > 0) TRY(scheduled_wake(call, req->send_at));
    tell_change(call, rep);
    return OK;
}

static const char CANCEL[] = "DELETE FROM scheduled" WAITING;

enum err scheduled_cancel(struct call *call, const struct scheduled_ref *req, struct nothing *rep)
{
    int64_t rows;

    (void)rep;
    TRY(check_author(call));
    TRY(pg_run(
        call->pg, call->arena, CANCEL, PG_ARGS(pg_text(call->who->sub), pg_id(req->room), pg_text(req->id)), &rows));
    if (rows == 0) return refuse_late(call, req);
    tell_cancellation(call, req);
    return quota_give(call, QUOTA_scheduled, call->who->sub, 1);
}

static const char SEND[] = "UPDATE scheduled SET send_at = $4, try_at = now(), refused = NULL, why = NULL" WAITING
                           " RETURNING " SCHEDULED_COLUMNS;

/* One that is being sent already is as it should be. */
enum err scheduled_send(struct call *call, const struct scheduled_ref *req, struct scheduled_message *rep)
{
    TRY(check_author(call));
    enum err e = pg_one(call->pg, call->arena, scheduled_message_shape(), rep, SEND,
        PG_ARGS(pg_text(call->who->sub), pg_id(req->room), pg_text(req->id), pg_time(call->now)));
    if (e == ERR_NOT_FOUND) return read_own(call, req, rep);
    TRY(e);
    TRY(scheduled_wake(call, 0));
    tell_change(call, rep);
    return OK;
}

enum err message_usage(struct call *call, const struct usage_query *req, struct usage_page *rep)
{
    return quota_usage(call, req->subject, rep);
}
