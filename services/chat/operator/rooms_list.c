/* rooms_list.c - all rooms and one room, for an operator: whoever is in them, and without a word of what is said there. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/db/pg.h"
#include "services/chat/chat.h"
#include "services/chat/operator/operator.h"

#define PAGE_MAX 200 /* proto/chat.def: rooms_query.limit */

#define COLUMNS                                                                                                        \
    "r.id, r.name, CASE WHEN d.room_id IS NOT NULL THEN 'direct' WHEN r.open THEN 'open' ELSE 'closed' END AS kind,"   \
    " r.created_by, r.created_at, r.members, r.archived_at, coalesce(r.kept_days, 0) AS kept_days,"                    \
    " coalesce(r.kept_messages, 0) AS kept_messages, " ACTIVE_AT " AS active_at"
#define ACTIVE_AT "greatest(r.created_at, a.message_at)"
#define FROM      " FROM room r LEFT JOIN direct d ON d.room_id = r.id LEFT JOIN activity a ON a.room_id = r.id "

/* Ids grow with time, and a page costs what is looked at from its beginning on. */
static const char PAGE[] =
    "SELECT " COLUMNS FROM "WHERE ($1::uuid IS NULL OR r.id < $1)"
    " AND ($2::text IS NULL OR ($2 = 'archived' AND r.archived_at IS NOT NULL) OR ($2 = 'direct' AND d.room_id IS NOT "
    "NULL) OR ($2 = 'open' AND r.open) OR ($2 = 'closed' AND NOT r.open AND d.room_id IS NULL))"
    " AND ($3::text IS NULL OR starts_with(lower(r.name), lower($3)))"
    " AND ($4::text IS NULL OR EXISTS (SELECT FROM member m WHERE m.room_id = r.id AND m.subject = subject_form($4) "
    "AND "
    "m.role = 'owner'))"
    " AND ($5::timestamptz IS NULL OR " ACTIVE_AT " >= $5) AND ($6::timestamptz IS NULL OR " ACTIVE_AT " < $6)"
    " ORDER BY r.id DESC LIMIT $7";
static const char ONE[] =
    "SELECT " COLUMNS ", r.topic, r.knocks, r.listed, r.lines, r.slow_s, r.writes, r.invites, r.history,"
    " (SELECT array_agg(o.subject) FROM (SELECT subject FROM member WHERE room_id = r.id AND role = 'owner' ORDER BY"
    " joined_at, subject LIMIT 100) o) AS owners" FROM "WHERE r.id = $1";

static bool is_kind(struct str kind)
{
    return str_is(kind, "open") || str_is(kind, "closed") || str_is(kind, "direct") || str_is(kind, "archived");
}

enum err rooms_list(struct call *call, const struct rooms_query *req, struct rooms_page *rep)
{
    struct id after = { { 0 } };

    if (req->kind.len > 0 && !is_kind(req->kind))
        return call_fail(call, ERR_INVALID_ARGUMENT, "kind: is open, closed, direct or archived");
    if (req->after.len > 0 && !id_parse(req->after, &after))
        return call_fail(call, ERR_INVALID_ARGUMENT, "after: no page has given that");
    TRY(pg_all(call->pg, call->arena, room_state_shape(), &rep->rooms, PAGE_MAX, PAGE,
        PG_ARGS(pg_id(after), pg_text(req->kind), pg_text(req->name), pg_text(req->owner), pg_time(req->active_since),
            pg_time(req->idle_since), pg_int(req->limit))));
    rep->meta = arena_zero(call->arena, sizeof *rep->meta);
    rep->meta->limit = req->limit;
    if ((int64_t)rep->rooms.len == req->limit)
        rep->meta->next = id_text(call->arena, rep->rooms.at[rep->rooms.len - 1].id);
    return OK;
}

enum err rooms_show(struct call *call, const struct room_ref *req, struct room_state *rep)
{
    enum err e = pg_one(call->pg, call->arena, room_state_shape(), rep, ONE, PG_ARGS(pg_id(req->room)));

    return e == ERR_NOT_FOUND ? call_fail(call, e, "there is no such room") : e;
}
