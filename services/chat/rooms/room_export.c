/* room_export.c - for the store: may somebody take a room along, and what of it chat has: its settings, its members page by page, and for an
 * operator who of them are friends. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/db/pg.h"
#include "libshared/db/rows.h"
#include "services/chat/chat.h"

static const char ROOM_OF[] =
    "SELECT " ROOM_COLUMNS " FROM room r LEFT JOIN member m ON m.room_id = r.id AND m.subject = $2 WHERE r.id = $1";
static const char MEMBERS[] =
    "SELECT subject, role, joined_at, muted_until FROM member WHERE room_id = $1 AND subject COLLATE \"C\" >"
    " coalesce($2, '') ORDER BY subject COLLATE \"C\" LIMIT $3";

/* Whose a room of two is, also when one of them has left it. */
struct room_two {
    struct str low, high;
};

#define FRIENDS_MAX 200 /* proto/chat.def: export_grant.friends */

/* Who blocks a friend does not see them as one, and is not shown as one. */
static const char FRIENDS[] =
    "SELECT r.low AS subject, r.high AS friend, r.since FROM member m JOIN relation r ON r.low = m.subject COLLATE "
    "\"C\""
    " AND r.low_sees = 'friends' JOIN member o ON o.room_id = m.room_id AND o.subject = r.high"
    " WHERE m.room_id = $1 AND r.high_sees = 'friends' AND (r.low, r.high) > (coalesce($2, ''), coalesce($3, ''))"
    " ORDER BY r.low, r.high LIMIT $4";

static const char TWO[] = "SELECT low, high FROM direct WHERE room_id = $1";

static enum err read_two(struct call *call, struct exported_room *room)
{
    static const struct wire_field fields[] = { ROW_FIELD(struct room_two, low, TEXT),
        ROW_FIELD(struct room_two, high, TEXT), ROW_END };
    static const struct wire_shape shape = { "room_two", "", sizeof(struct room_two), fields };
    struct room_two two = { .low = STR_NONE };
    enum err e = pg_one(call->pg, call->arena, &shape, &two, TWO, PG_ARGS(pg_id(room->id)));

    if (e == OK)
        room->two =
            (struct str_list){ arena_copy(call->arena, (struct str[]){ two.low, two.high }, 2 * sizeof(struct str)),
                2 };
    return e == ERR_NOT_FOUND ? OK : e;
}

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
        .archived_at = room->archived_at,
        .receipts = room->receipts ? STR_NONE : STR("no"),
        .slow_s = room->slow_s };

    return arena_copy(arena, &kept, sizeof kept);
}

static enum err read_members(struct call *call, const struct export_question *req, struct export_grant *rep)
{
    if (req->limit == 0) return OK;
    return pg_all(call->pg, call->arena, room_member_shape(), &rep->members, (size_t)req->limit, MEMBERS,
        PG_ARGS(pg_id(req->room), pg_text(req->after.len > 0 ? req->after : STR_NONE), pg_int(req->limit)));
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
    TRY(read_two(call, rep->room));
    if (!req->by_operator) rep->reads_after = room.reads_after;
    TRY(read_members(call, req, rep));
    if (!req->friends || (req->limit > 0 && rep->members.len == (size_t)req->limit)) return OK;
    return pg_all(call->pg, call->arena, export_friends_shape(), &rep->friends, FRIENDS_MAX, FRIENDS,
        PG_ARGS(pg_id(req->room), pg_text(req->low.len > 0 ? req->low : STR_NONE),
            pg_text(req->high.len > 0 ? req->high : STR_NONE), pg_int(FRIENDS_MAX)));
}
