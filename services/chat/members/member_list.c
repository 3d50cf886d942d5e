/* member_list.c - who is in a room, for its members. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/db/pg.h"
#include "libshared/wire/columns.h"
#include "services/chat/chat.h"

static const char MEMBERS[] =
    "SELECT subject, role, joined_at, muted_until FROM member WHERE room_id = $1 AND subject > coalesce($2,"
    " '') ORDER BY subject LIMIT $3";

enum err member_list(struct call *call, const struct member_query *req, struct member_page *rep)
{
    struct room_row row;

    TRY(room_row_get(call, req->room, &row));
    if (row.room.role.len == 0) return call_fail(call, ERR_FORBIDDEN, "not a member of this room");
    TRY(pg_all(call->pg, call->arena, room_member_shape(), &rep->members, (size_t)req->limit, MEMBERS,
        PG_ARGS(pg_id(req->room), pg_text(req->after.len > 0 ? req->after : STR_NONE), pg_int(req->limit))));
    TRY(presence_show(call, rep->members));
    if ((int64_t)rep->members.len == req->limit) rep->next = rep->members.at[rep->members.len - 1].subject;
    return directory_people(call->pg, call->arena, TEXTS_OF(call->arena, rep->members, subject), &rep->users);
}
