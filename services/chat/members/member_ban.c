/* member_ban.c - who may not be in a room, for a time or for good. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/db/pg.h"
#include "libshared/jobs/deeds.h"
#include "libshared/wire/columns.h"
#include "services/chat/knocks/knocks.h"

#define BANS_MAX 10000 /* of a room */

static const char FIRST_BANNED[] =
    "SELECT subject, banned_by, banned_at FROM ban WHERE room_id = $1 AND subject IN (SELECT subject_form(name) FROM"
    " unnest($2) AS name) AND (banned_until IS NULL OR banned_until > $3) LIMIT 1";

enum err require_unbanned(struct call *call, struct id room, struct str_list subjects, enum err code)
{
    struct room_ban first = { .subject = STR_NONE };

    if (subjects.len == 0) return OK;
    enum err e = pg_one(call->pg, call->arena, room_ban_shape(), &first, FIRST_BANNED,
        PG_ARGS(pg_id(room), pg_texts(call->arena, subjects), pg_time(call->now)));
    if (e == ERR_NOT_FOUND) return OK;
    TRY(e);
    return call_fail(call, code, "%.*s is banned from this room", STR_ARG(first.subject));
}

static const char FORGET_OVER[] = "DELETE FROM ban WHERE room_id = $1 AND banned_until <= $2";
static const char COUNT_BANS[] = "SELECT FROM ban WHERE room_id = $1 AND subject <> subject_form($2)";
static const char BAN[] =
    "INSERT INTO ban AS b (room_id, subject, banned_by, banned_at, banned_until, reason) VALUES ($1, subject_form($2),"
    " $3, $4, $5, $6) ON CONFLICT (room_id, subject) DO UPDATE SET banned_by = $3, banned_at = $4, banned_until = $5,"
    " reason = $6 RETURNING subject, banned_by, banned_at, banned_until, reason";

static enum err put_ban(struct call *call, const struct room_ban_draft *req, struct room_ban *rep)
{
    int64_t others;

    TRY(pg_run(call->pg, call->arena, FORGET_OVER, PG_ARGS(pg_id(req->room), pg_time(call->now)), NULL));
    TRY(pg_run(call->pg, call->arena, COUNT_BANS, PG_ARGS(pg_id(req->room), pg_text(req->member)), &others));
    if (others >= BANS_MAX) return call_fail(call, ERR_TOO_LARGE, "a room bans at most %d", BANS_MAX);
    return pg_one(call->pg, call->arena, room_ban_shape(), rep, BAN,
        PG_ARGS(pg_id(req->room), pg_text(req->member), pg_text(call->who->sub), pg_time(call->now),
            pg_time(req->for_s > 0 ? call->now + req->for_s * 1000 : 0),
            pg_text(req->reason.at != NULL ? req->reason : STR(""))));
}

/* What somebody asks who is banned is not seen meanwhile. */
static enum err tell_deciders(struct call *call, const struct room *room, struct str subject)
{
    return knocks_tell(call, room, (struct str_list){ arena_copy(call->arena, &subject, sizeof subject), 1 });
}

/* Who is no member can be banned before they come. */
enum err member_ban(struct call *call, const struct room_ban_draft *req, struct room_ban *rep)
{
    struct room_member member;
    struct room_row row;

    TRY(room_row_lock(call, req->room, &row));
    TRY(require_right(call, &row.room, MAY_ban));
    enum err e = require_member_below(call, &row.room, req->member, &member);
    if (e != ERR_NOT_FOUND) TRY(e);
    TRY(tell_deciders(call, &row.room, req->member));
    TRY(put_ban(call, req, rep));
    TRY(deed_put_room(call, &audit_tell_job, "member.ban", req->room, room_ban_draft_shape(), req));
    return e == OK ? room_row_lose(call, &row, member.subject) : OK;
}

static const char UNBAN[] = "DELETE FROM ban WHERE room_id = $1 AND subject = subject_form($2)";

enum err member_unban(struct call *call, const struct room_ban_ref *req, struct nothing *rep)
{
    struct room_row row;
    int64_t rows;

    (void)rep;
    TRY(room_row_lock(call, req->room, &row));
    TRY(require_right(call, &row.room, MAY_ban));
    TRY(pg_run(call->pg, call->arena, UNBAN, PG_ARGS(pg_id(req->room), pg_text(req->member)), &rows));
    if (rows == 0) return OK; /* they may be there already */
    TRY(deed_put_room(call, &audit_tell_job, "member.unban", req->room, room_ban_ref_shape(), req));
    return tell_deciders(call, &row.room, req->member);
}

static const char BANS[] =
    "SELECT subject, banned_by, banned_at, banned_until, reason FROM ban WHERE room_id = $1 AND subject >"
    " coalesce($2, '') AND (banned_until IS NULL OR banned_until > $4) ORDER BY subject LIMIT $3";

enum err room_bans(struct call *call, const struct member_query *req, struct room_bans *rep)
{
    struct room_row row;

    TRY(room_row_get(call, req->room, &row));
    TRY(require_right(call, &row.room, MAY_ban));
    TRY(pg_all(call->pg, call->arena, room_ban_shape(), &rep->bans, (size_t)req->limit, BANS,
        PG_ARGS(pg_id(req->room), pg_text(req->after.len > 0 ? req->after : STR_NONE), pg_int(req->limit),
            pg_time(call->now))));
    if ((int64_t)rep->bans.len == req->limit) rep->next = rep->bans.at[rep->bans.len - 1].subject;
    return directory_people(call->pg, call->arena, TEXTS_OF(call->arena, rep->bans, subject), &rep->users);
}
