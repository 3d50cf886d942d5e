/* room_row.c - a room's row and its members: what the handlers that change them have in common. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/db/pg.h"
#include "services/chat/chat.h"

static const struct wire_shape *room_row_shape(void)
{
    static const struct wire_field fields[] = {
        { .name = "id", .at = offsetof(struct room_row, id), .kind = WIRE_ID },
        { .name = "name", .at = offsetof(struct room_row, name), .kind = WIRE_TEXT },
        { .name = "open", .at = offsetof(struct room_row, open), .kind = WIRE_BOOL },
        { .name = "created_by", .at = offsetof(struct room_row, created_by), .kind = WIRE_TEXT },
        { .name = "created_at", .at = offsetof(struct room_row, created_at), .kind = WIRE_TIME },
        { .name = "version", .at = offsetof(struct room_row, version), .kind = WIRE_INT },
        { .name = "members", .at = offsetof(struct room_row, members), .kind = WIRE_INT },
        { .name = "role", .at = offsetof(struct room_row, role), .kind = WIRE_TEXT },
        { .name = NULL },
    };
    static const struct wire_shape shape = { "room_row", "", sizeof(struct room_row), fields };

    return &shape;
}

enum err require_subject(struct call *call)
{
    return call->who->sub.len ? OK
                              : call_fail(call, ERR_UNAUTHENTICATED, "rooms are for somebody: there is no subject");
}

enum err require_names(struct call *call, struct str_list members)
{
    for (size_t i = 0; i < members.len; i++)
        if (members.at[i].len == 0) return call_fail(call, ERR_INVALID_ARGUMENT, "members: number %zu is empty", i);
    return OK;
}

static enum err row_by(struct call *call, struct id room, struct room_row *out, const char *sql)
{
    enum err e =
        pg_one(call->pg, call->arena, room_row_shape(), out, sql, PG_ARGS(pg_id(room), pg_text(call->who->sub)));

    return e == ERR_NOT_FOUND ? call_fail(call, e, "there is no such room") : e;
}

static const char ROOM_AND_ROLE[] =
    "SELECT r.id, r.name, r.open, r.created_by, r.created_at, r.version, r.members, m.role"
    " FROM room r LEFT JOIN member m ON m.room_id = r.id AND m.subject = $2 WHERE r.id = $1";

enum err room_row_get(struct call *call, struct id room, struct room_row *out)
{
    TRY(require_subject(call));
    return row_by(call, room, out, ROOM_AND_ROLE);
}

static const char LOCK_ROOM[] = "SELECT FROM room WHERE id = $1 FOR NO KEY UPDATE";

/* Two statements: the second one's snapshot is younger than the lock, so it sees what the former holder did. */
enum err room_row_lock(struct call *call, struct id room, struct room_row *out)
{
    TRY(require_subject(call));
    TRY(pg_run(call->pg, call->arena, LOCK_ROOM, PG_ARGS(pg_id(room)), NULL));
    return row_by(call, room, out, ROOM_AND_ROLE);
}

static const char ADD_MEMBERS[] = "INSERT INTO member (room_id, subject, role, joined_at, added_by)"
                                  " SELECT DISTINCT $1::uuid, subject, 'member', $3::timestamptz, $4 FROM (SELECT "
                                  "subject_form(name) AS subject FROM unnest($2) AS name) named"
                                  " ON CONFLICT (room_id, subject) DO NOTHING RETURNING room_id AS room, subject, role";

static const char COUNT_CHANGE[] = "UPDATE room SET version = version + 1, members = members + $2 WHERE id = $1";

enum err room_row_add(struct call *call, const struct room_row *room, struct str_list subjects)
{
    struct member_change change = { .room = room->id, .version = room->version + 1 };

    TRY(pg_all(call->pg, call->arena, access_change_shape(), &change.who, subjects.len, ADD_MEMBERS,
        PG_ARGS(pg_id(room->id), pg_texts(call->arena, subjects), pg_time(call->now), pg_text(call->who->sub))));
    if (change.who.len == 0) return OK;
    int64_t added = (int64_t)change.who.len, members_max = ((const struct chat *)call->context)->members_max;
    if (room->members + added > members_max)
        return call_fail(call, ERR_TOO_LARGE, "members: a room has at most %lld", (long long)members_max);

    TRY(pg_run(call->pg, call->arena, COUNT_CHANGE, PG_ARGS(pg_id(room->id), pg_int(added)), NULL));
    TRY(quota_take(call, QUOTA_members, added));
    announce_change(call, &change);
    return OK;
}

struct room room_of_row(const struct room_row *row)
{
    return (struct room){ row->id, row->name, row->open, row->created_by, row->created_at };
}

/* Memory first: an access question that arrives behind the event must find the new answer. */
static void apply_change(struct rpc_server *server, void *context, void *arg)
{
    struct chat *chat = context;
    const struct member_change *change = arg;

    member_cache_change(chat->member_cache, change->room, change->version, change->who);
    for (size_t i = 0; i < change->who.len; i++) {
        watchers_tell(chat->watchers, server, &change->who.at[i]);
        feeds_tell(chat->feeds, server, &change->who.at[i]);
    }
}

void announce_change(struct call *call, const struct member_change *change)
{
    call_after(call, apply_change, arena_copy(call->arena, change, sizeof *change));
}
