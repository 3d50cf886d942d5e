/* room_remove.c - removing a member; oneself, to leave for good. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/db/pg.h"
#include "services/chat/chat.h"

static const char REMOVE_MEMBER[] = "DELETE FROM member WHERE room_id = $1 AND subject = subject_form($2) RETURNING "
                                    "room_id AS room, subject, '' AS role";

static const char ADDED_BY[] =
    "SELECT coalesce(m.added_by, r.created_by) AS created_by FROM member m JOIN room r ON r.id = m.room_id"
    " WHERE m.room_id = $1 AND m.subject = subject_form($2)";

static const char COUNT_LOSS[] = "UPDATE room SET version = version + 1, members = members - 1 WHERE id = $1";

enum err room_remove(struct call *call, const struct room_removal *req, struct nothing *rep)
{
    struct room_row row;

    (void)rep;
    TRY(room_row_lock(call, req->room, &row));
    struct str who = req->member.at ? req->member : call->who->sub;
    if (!str_eq(who, call->who->sub) && !str_is(row.role, "owner"))
        return call_fail(call, ERR_FORBIDDEN, "only the owner of a room removes others");

    struct room added = { .created_by = STR_NONE };
    enum err e = pg_one(call->pg, call->arena, room_shape(), &added, ADDED_BY, PG_ARGS(pg_id(req->room), pg_text(who)));
    if (e == ERR_NOT_FOUND) return OK; /* said twice, or never true: the outcome is what was asked for */
    TRY(e);

    struct member_change change = { .room = row.id, .version = row.version + 1 };
    TRY(pg_all(call->pg, call->arena, access_change_shape(), &change.who, 1, REMOVE_MEMBER,
        PG_ARGS(pg_id(req->room), pg_text(who))));
    TRY(pg_run(call->pg, call->arena, COUNT_LOSS, PG_ARGS(pg_id(req->room)), NULL));
    TRY(quota_give(call, QUOTA_members, added.created_by, (int64_t)change.who.len));
    announce_change(call, &change);
    return OK;
}
