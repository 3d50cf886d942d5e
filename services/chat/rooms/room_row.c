/* room_row.c - a room's row and its members: what the handlers that change them have in common. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/db/pg.h"
#include "services/chat/chat.h"

/* Flat, as a statement answers it: the room's columns, and its version. */
static const struct wire_shape *version_shape(void)
{
    static const struct wire_field fields[] = {
        { WIRE_NAME("version"), .at = offsetof(struct room_row, version), .kind = WIRE_INT },
        { .name = NULL },
    };
    static const struct wire_shape shape = { "room_row", "", sizeof(struct room_row), fields };

    return &shape;
}

struct str id_text(struct arena *arena, struct id id)
{
    char text[ID_TEXT_BYTES + 1];

    id_format(id, text);
    return arena_str(arena, str_of(text));
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

static const char ROOM_AND_ROLE[] =
    "SELECT " ROOM_COLUMNS " FROM room r LEFT JOIN member m ON m.room_id = r.id AND m.subject = $2 WHERE r.id = $1";

static enum err get_room(struct call *call, struct id room, struct room *out)
{
    *out = (struct room){ .id = room, .head = -1, .read = -1, .unread = -1, .mentions = -1, .knocking = -1 };
    enum err e =
        pg_one(call->pg, call->arena, room_shape(), out, ROOM_AND_ROLE, PG_ARGS(pg_id(room), pg_text(call->who->sub)));
    return e == ERR_NOT_FOUND ? call_fail(call, e, "there is no such room") : e;
}

enum err room_row_get(struct call *call, struct id room, struct room_row *out)
{
    TRY(require_subject(call));
    return get_room(call, room, &out->room);
}

static const char LOCK_ROOM[] = "SELECT version FROM room WHERE id = $1 FOR NO KEY UPDATE";

/* Two statements: the second one's snapshot is younger than the lock, so it sees what the former holder did. */
enum err room_row_lock(struct call *call, struct id room, struct room_row *out)
{
    TRY(require_subject(call));
    enum err e = pg_one(call->pg, call->arena, version_shape(), out, LOCK_ROOM, PG_ARGS(pg_id(room)));
    if (e == ERR_NOT_FOUND) return call_fail(call, e, "there is no such room");
    TRY(e);
    return get_room(call, room, &out->room);
}

/* --- what the caller may do there --- */

static struct room_standing standing_of(const struct room *room)
{
    return (struct room_standing){ .role = room_role_of(room->role),
        .writes = room_role_of(room->writes),
        .invites = room_role_of(room->invites),
        .is_archived = room->archived_at > 0,
        .is_muted = room->muted_until > 0,
        .is_asked = room->knocks };
}

void room_fill_can(struct call *call, struct room *room)
{
    const struct room_standing standing = standing_of(room);

    room->can = room_can(call->arena, &standing);
}

struct room_front room_front_of(struct call *call, const struct room *room)
{
    struct room seen = *room;

    room_fill_can(call, &seen);
    return (struct room_front){ seen.id, seen.name, seen.topic, seen.members, seen.open, seen.can };
}

bool room_lets(const struct room *room, enum room_right right)
{
    const struct room_standing standing = standing_of(room);

    return room_may(&standing, right);
}

enum err require_right(struct call *call, const struct room *room, enum room_right right)
{
    if (room->role.len == 0) return call_fail(call, ERR_FORBIDDEN, "not a member of this room");
    if (room_lets(room, right)) return OK;
    return call_fail(
        call, ERR_FORBIDDEN, "one's role in this room does not have the right %s, or not now", room_right_name(right));
}

static const char MEMBER[] =
    "SELECT subject, role, joined_at, muted_until FROM member WHERE room_id = $1 AND subject = subject_form($2)";

enum err require_member_below(struct call *call, const struct room *room, struct str subject, struct room_member *out)
{
    *out = (struct room_member){ .subject = STR_NONE };
    enum err e =
        pg_one(call->pg, call->arena, room_member_shape(), out, MEMBER, PG_ARGS(pg_id(room->id), pg_text(subject)));
    if (e == ERR_NOT_FOUND) return call_fail(call, e, "they are no member of this room");
    TRY(e);
    if (room_role_of(out->role) < room_role_of(room->role)) return OK;
    return call_fail(call, ERR_FORBIDDEN, "their role in this room is not below one's own");
}

static const char COUNT_VERSION[] = "UPDATE room SET version = version + 1 WHERE id = $1";

enum err room_row_changed(
    struct call *call, const struct room_row *row, struct access_change_list who, enum member_change_of of)
{
    const struct member_change change = { row->room.id, row->version + 1, who, of };

    TRY(pg_run(call->pg, call->arena, COUNT_VERSION, PG_ARGS(pg_id(row->room.id)), NULL));
    return follow_change(call, &change);
}

/* --- members --- */

/* Who blocks the caller does not come in, and nobody is told.  Who comes in begins to read behind what is there. */
static const char ADD_MEMBERS[] =
    "INSERT INTO member (room_id, subject, role, joined_at, added_by, read_seq)"
    " SELECT DISTINCT $1::uuid, subject, 'member', $3::timestamptz, $4,"
    " coalesce((SELECT seq FROM activity WHERE room_id = $1), 0) FROM (SELECT "
    "subject_form(name) AS subject FROM unnest($2) AS name) named WHERE NOT blocked($4, subject)"
    " ON CONFLICT (room_id, subject) DO NOTHING RETURNING room_id AS room, subject,"
    " role_now(role, NULL, $5, NULL) AS role, reads_after($6, joined_at) AS reads_after";

static const char COUNT_CHANGE[] = "UPDATE room SET version = version + 1, members = members + $2 WHERE id = $1";

enum err room_row_add(struct call *call, const struct room_row *row, struct str_list subjects)
{
    const struct room *room = &row->room;
    struct member_change change = { .room = room->id, .version = row->version + 1 };

    TRY(require_unblocked(call, subjects));
    TRY(pg_all(call->pg, call->arena, access_change_shape(), &change.who, subjects.len, ADD_MEMBERS,
        PG_ARGS(pg_id(room->id), pg_texts(call->arena, subjects), pg_time(call->now), pg_text(call->who->sub),
            pg_text(room->writes), pg_text(room->history))));
    if (change.who.len == 0) return OK;
    int64_t added = (int64_t)change.who.len, members_max = chat_settings(call)->members_max;
    if (room->members + added > members_max)
        return call_fail(call, ERR_TOO_LARGE, "members: a room has at most %lld", (long long)members_max);

    TRY(pg_run(call->pg, call->arena, COUNT_CHANGE, PG_ARGS(pg_id(room->id), pg_int(added)), NULL));
    TRY(quota_take(call, QUOTA_members, added));
    return follow_change(call, &change);
}

/* Memory first: an access question that arrives behind the event must find the new answer. */
void member_change_apply(struct chat *chat, const struct member_change *change)
{
    member_cache_change(chat->member_cache, change->room, change->version, change->who);
    if (change->who.len == 0)
        watchers_tell(chat->watchers, chat->server, &(struct access_change){ .room = change->room });
    for (size_t i = 0; i < change->who.len; i++) {
        watchers_tell(chat->watchers, chat->server, &change->who.at[i]);
        feeds_tell(chat->feeds, chat->server, &change->who.at[i]);
    }
}

static void apply_change(struct rpc_server *server, void *context, void *arg)
{
    (void)server;
    member_change_apply(context, arg);
}

/* Applied after the commit. */
enum err announce_change(struct call *call, const struct member_change *change)
{
    call_after(call, apply_change, arena_copy(call->arena, change, sizeof *change));
    return OK;
}

enum err follow_change(struct call *call, const struct member_change *change)
{
#define FOLLOWS(function) TRY(function(call, change));
#include "services/chat/members/follows.def"
#undef FOLLOWS
    return OK;
}
