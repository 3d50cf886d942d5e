/* room_export.c - for the store: may somebody take a room along, and what of it chat has: its settings, and its members page by page. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/db/pg.h"
#include "services/chat/chat.h"

static const char ROOM_OF[] =
    "SELECT " ROOM_COLUMNS " FROM room r LEFT JOIN member m ON m.room_id = r.id AND m.subject = $2 WHERE r.id = $1";
static const char MEMBERS[] =
    "SELECT subject, role, joined_at, muted_until FROM member WHERE room_id = $1 AND subject COLLATE \"C\" >"
    " coalesce($2, '') ORDER BY subject COLLATE \"C\" LIMIT $3";

static struct exported_room *without_asker(struct arena *arena, const struct room *room)
{
    const struct exported_room kept = { .id = room->id,
        .name = room->name,
        .topic = room->topic.at != NULL ? room->topic : STR(""),
        .created_by = room->created_by,
        .created_at = room->created_at,
        .open = room->open,
        .knocks = room->knocks,
        .listed = room->listed,
        .lines = room->lines,
        .writes = room->writes,
        .invites = room->invites,
        .history = room->history,
        .kept_days = room->kept_days,
        .kept_messages = room->kept_messages,
        .archived_at = room->archived_at };

    return arena_copy(arena, &kept, sizeof kept);
}

enum err room_export(struct call *call, const struct export_question *req, struct export_grant *rep)
{
    struct room room = { .id = req->room };
    enum err e =
        pg_one(call->pg, call->arena, room_shape(), &room, ROOM_OF, PG_ARGS(pg_id(req->room), pg_text(req->subject)));

    if (e == ERR_NOT_FOUND) return call_fail(call, e, "there is no such room");
    TRY(e);
    if (!req->by_operator) TRY(require_right(call, &room, MAY_export));
    rep->room = without_asker(call->arena, &room);
    if (!req->by_operator) rep->reads_after = room.reads_after;
    if (req->limit == 0) return OK;
    return pg_all(call->pg, call->arena, room_member_shape(), &rep->members, (size_t)req->limit, MEMBERS,
        PG_ARGS(pg_id(req->room), pg_text(req->after.len > 0 ? req->after : STR_NONE), pg_int(req->limit)));
}
