/* room_remove.c - removing a member; oneself, to leave for good. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/db/pg.h"
#include "services/chat/chat.h"

#define CHANGES_MAX 2 /* who goes, and who owns the room then */

static const char REMOVE_MEMBER[] = "DELETE FROM member WHERE room_id = $1 AND subject = subject_form($2) RETURNING "
                                    "room_id AS room, subject, '' AS role";

static const char ADDED_BY[] =
    "SELECT coalesce(m.added_by, r.created_by) AS created_by FROM member m JOIN room r ON r.id = m.room_id"
    " WHERE m.room_id = $1 AND m.subject = subject_form($2)";

static const char COUNT_LOSS[] = "UPDATE room SET version = version + 1, members = members - 1 WHERE id = $1";

/* A room is not left with nobody who can invite to it. */
static enum err pass_on(struct call *call, struct member_change *change)
{
    struct access_change *all = arena_alloc(call->arena, CHANGES_MAX * sizeof *all);
    struct access_change_list heirs;
    int64_t closed;

    TRY(rooms_pass_on(call, (struct id_list){ &change->room, 1 }, &heirs, &closed));
    if (heirs.len == 0) return OK;
    all[0] = change->who.at[0];
    all[1] = heirs.at[0];
    change->who = (struct access_change_list){ all, CHANGES_MAX };
    return OK;
}

enum err room_row_lose(struct call *call, const struct room_row *row, struct str subject)
{
    struct member_change change = { .room = row->room.id, .version = row->version + 1 };
    struct room added = { .created_by = STR_NONE };
    enum err e =
        pg_one(call->pg, call->arena, room_shape(), &added, ADDED_BY, PG_ARGS(pg_id(change.room), pg_text(subject)));

    if (e == ERR_NOT_FOUND) return OK; /* said twice, or never true: the outcome is what was asked for */
    TRY(e);
    TRY(pg_all(call->pg, call->arena, access_change_shape(), &change.who, 1, REMOVE_MEMBER,
        PG_ARGS(pg_id(change.room), pg_text(subject))));
    TRY(pg_run(call->pg, call->arena, COUNT_LOSS, PG_ARGS(pg_id(change.room)), NULL));
    TRY(quota_give(call, QUOTA_members, added.created_by, (int64_t)change.who.len));
    if (change.who.len > 0) TRY(pass_on(call, &change));
    return follow_change(call, &change);
}

enum err room_remove(struct call *call, const struct room_removal *req, struct nothing *rep)
{
    struct room_member member;
    struct room_row row;

    (void)rep;
    TRY(room_row_lock(call, req->room, &row));
    struct str who = req->member.at ? req->member : call->who->sub;
    if (str_eq(who, call->who->sub)) return room_row_lose(call, &row, who);
    TRY(require_right(call, &row.room, MAY_remove));
    enum err e = require_member_below(call, &row.room, who, &member);
    if (e == ERR_NOT_FOUND) return OK; /* said twice, or never true: the outcome is what was asked for */
    TRY(e);
    return room_row_lose(call, &row, who);
}
