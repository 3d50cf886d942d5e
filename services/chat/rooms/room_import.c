/*
 * room_import.c - for the store: a room that a file brings, its members, and who of them are friends.
 *
 *      the first lines --> the room, archived: nobody writes --members, friends, some at a time--> the last line --> as the file says it
 *
 * Each step may be done again, and changes nothing then.  Once the room is whole it is one as all others, and the same file does nothing to
 * it any more: what has become of it since stands.
 */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/db/pg.h"
#include "libshared/db/rows.h"
#include "libshared/wire/columns.h"
#include "services/chat/own/own.h"

#define ROOM_BYTES 8192 /* an exported_room, by the bounds of its fields */

/* --- the room --- */

static const char MAKE_ROOM[] =
    "INSERT INTO room (id, name, topic, open, created_by, created_at, lines, writes, invites, history, knocks, listed,"
    " kept_days, kept_messages, archived_at, receipts_since, slow_s) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, "
    "$11, "
    "$12, NULLIF($13, 0),"
    " NULLIF($14, 0), $15, CASE WHEN $16 THEN $15::timestamptz END, $17) ON CONFLICT (id) DO NOTHING";
static const char BEGIN_IMPORT[] = "INSERT INTO room_import (room_id, said, archived_at) VALUES ($1, $2, $3)";
/* Others may have counted it: the quota of who made it is as if they had, whatever it allows. */
static const char COUNT[] = "INSERT INTO usage AS u (quota, subject, used) VALUES ($1, $2, $3)"
                            " ON CONFLICT (quota, subject) DO UPDATE SET used = u.used + EXCLUDED.used";
static const char STATE[] =
    "SELECT r.created_by, r.version, r.members, i.said, i.archived_at, i.whole, coalesce(d.low, '') AS low,"
    " coalesce(d.high, '') AS high FROM room r JOIN room_import i ON i.room_id = r.id"
    " LEFT JOIN direct d ON d.room_id = r.id WHERE r.id = $1 FOR NO KEY UPDATE OF r";
/* From then on it is the room of these two: room_direct.c. */
static const char MAKE_DIRECT[] =
    "INSERT INTO direct (low, high, room_id) SELECT a.low, a.high, $1 FROM (SELECT $2::text AS low, $3::text AS high) a"
    " WHERE a.low = subject_form(a.low) AND a.high = subject_form(a.high) ON CONFLICT DO NOTHING";

struct import_state {
    struct str created_by, said, low, high; /* the latter two of a room of two */
    int64_t version, members, archived_at;
    bool whole;
};

static enum err count_in(struct call *call, enum quota quota, struct str subject, int64_t n)
{
    return pg_run(
        call->pg, call->arena, COUNT, PG_ARGS(pg_text(str_of(quota_name(quota))), pg_text(subject), pg_int(n)), NULL);
}

static const char PURGED[] = "SELECT room_id AS room FROM purged_room WHERE room_id = $1";

/* Of a room that was purged the store keeps nothing. */
static enum err check_room(struct call *call, const struct exported_room *room)
{
    struct room_ref purged;
    enum err e = pg_one(call->pg, call->arena, room_ref_shape(), &purged, PURGED, PG_ARGS(pg_id(room->id)));

    if (e == OK) return call_fail(call, ERR_CONFLICT, "this room was purged here: nothing is kept under its id");
    if (e != ERR_NOT_FOUND) return e;
    TRY(require_settings(call, room->writes, room->invites, room->history));
    if (room->open && room->knocks) return call_fail(call, ERR_INVALID_ARGUMENT, "knocks: the room is open");
    if (room->two.len == 0) return OK;
    if (room->two.len != 2 || str_cmp(room->two.at[0], room->two.at[1]) >= 0)
        return call_fail(call, ERR_INVALID_ARGUMENT, "two: are two, in the order of their bytes");
    if (room->open) return call_fail(call, ERR_INVALID_ARGUMENT, "open: a room of two is not");
    return OK;
}

static enum err make_direct(struct call *call, const struct exported_room *room)
{
    int64_t made;

    if (room->two.len == 0) return OK;
    TRY(pg_run(call->pg, call->arena, MAKE_DIRECT,
        PG_ARGS(pg_id(room->id), pg_text(room->two.at[0]), pg_text(room->two.at[1])), &made));
    return made > 0 ? OK : call_fail(call, ERR_CONFLICT, "two: have a room of two here, which is another one");
}

static struct str print_room(struct arena *arena, const struct exported_room *room)
{
    struct buf out = BUF(ROOM_BYTES);
    enum err e = wire_encode(exported_room_shape(), room, &out);
    struct str said = e == OK ? arena_str(arena, buf_str(&out)) : STR_NONE;

    buf_free(&out);
    return said;
}

/* Until it is whole nobody writes there: the file has the next places of its log. */
static enum err make_room(struct call *call, const struct exported_room *room)
{
    int64_t made;

    TRY(check_room(call, room));
    TRY(pg_run(call->pg, call->arena, MAKE_ROOM,
        PG_ARGS(pg_id(room->id), pg_text(room->name), pg_text(room->topic), pg_bool(room->open),
            pg_text(room->created_by), pg_time(room->created_at), pg_bool(room->lines), pg_text(room->writes),
            pg_text(room->invites), pg_text(room->history), pg_bool(room->knocks), pg_bool(room->listed),
            pg_int(room->kept_days), pg_int(room->kept_messages), pg_time(call->now),
            pg_bool(!str_is(room->receipts, "no")), pg_int(room->slow_s)),
        &made));
    if (made == 0) return OK;
    TRY(make_direct(call, room));
    TRY(count_in(call, QUOTA_rooms, room->created_by, 1));
    return pg_run(call->pg, call->arena, BEGIN_IMPORT,
        PG_ARGS(pg_id(room->id), pg_bytes(print_room(call->arena, room)), pg_time(room->archived_at)), NULL);
}

static enum err read_state(struct call *call, const struct room_arrival *req, struct import_state *out)
{
    static const struct wire_field fields[] = {
        ROW_FIELD(struct import_state, created_by, TEXT),
        ROW_FIELD(struct import_state, said, BYTES),
        ROW_FIELD(struct import_state, version, INT),
        ROW_FIELD(struct import_state, members, INT),
        ROW_FIELD(struct import_state, archived_at, TIME),
        ROW_FIELD(struct import_state, whole, BOOL),
        ROW_FIELD(struct import_state, low, TEXT),
        ROW_FIELD(struct import_state, high, TEXT),
        ROW_END,
    };
    static const struct wire_shape shape = { "import_state", "", sizeof(struct import_state), fields };

    *out = (struct import_state){ .said = STR_NONE };
    enum err e = pg_one(call->pg, call->arena, &shape, out, STATE, PG_ARGS(pg_id(req->room)));
    bool is_other = e == OK && req->begin != NULL && !str_eq(out->said, print_room(call->arena, req->begin));
    if (e == ERR_NOT_FOUND && req->begin == NULL)
        return call_fail(call, ERR_NOT_FOUND, "no file has begun such a room here: it begins with its first line");
    if (e == ERR_NOT_FOUND || is_other)
        return call_fail(call, ERR_CONFLICT, "there is a room with this id, and it is not the one that the file says");
    return e;
}

/* --- members --- */

/* They have read what the file brings. */
static const char ADD_MEMBERS[] =
    "INSERT INTO member (room_id, subject, role, joined_at, muted_until, read_seq)"
    " SELECT $1::uuid, a.subject, a.role, a.joined_at, NULLIF(a.muted_until, 'epoch'), $6::bigint FROM "
    "unnest($2::text[], $3::text[],"
    " $4::timestamptz[], $5::timestamptz[]) AS a (subject, role, joined_at, muted_until)"
    " WHERE a.subject = subject_form(a.subject) ON CONFLICT (room_id, subject) DO NOTHING";
static const char OTHERS[] =
    "SELECT a.subject FROM unnest($2::text[], $3::text[], $4::timestamptz[], $5::timestamptz[]) AS a (subject, role,"
    " joined_at, muted_until) WHERE NOT EXISTS (SELECT FROM member m WHERE m.room_id = $1 AND m.subject = a.subject"
    " AND m.role = a.role AND m.joined_at = a.joined_at AND m.muted_until IS NOT DISTINCT FROM NULLIF(a.muted_until, "
    "'epoch'))"
    " LIMIT 1";
static const char COUNT_MEMBERS[] = "UPDATE room SET members = members + $2, version = version + 1 WHERE id = $1";

struct name {
    struct str subject;
};
static const struct wire_field name_fields[] = { ROW_FIELD(struct name, subject, TEXT), ROW_END };
static const struct wire_shape name_shape = { "name", "", sizeof(struct name), name_fields };

static bool is_direct(const struct import_state *state)
{
    return state->low.len > 0;
}

static bool is_of_two(const struct import_state *state, const struct room_member *member)
{
    return str_is(member->role, "member") &&
           (str_eq(member->subject, state->low) || str_eq(member->subject, state->high));
}

static enum err check_roles(struct call *call, const struct import_state *state, struct room_member_list members)
{
    enum role role;

    for (size_t i = 0; i < members.len; i++) {
        if (!room_role_find(members.at[i].role, &role))
            return call_fail(
                call, ERR_INVALID_ARGUMENT, "role: %.*s has one that there is not", STR_ARG(members.at[i].subject));
        if (is_direct(state) && !is_of_two(state, &members.at[i]))
            return call_fail(call, ERR_INVALID_ARGUMENT, "member: %.*s is not as the two are in a room of two",
                STR_ARG(members.at[i].subject));
    }
    return OK;
}

static enum err count_members(struct call *call, const struct room_arrival *req, struct import_state *state, int64_t n)
{
    int64_t members_max = chat_settings(call)->members_max;

    if (n == 0) return OK;
    state->members += n;
    state->version++;
    if (state->members > members_max)
        return call_fail(call, ERR_TOO_LARGE, "a room has at most %lld members", (long long)members_max);
    TRY(pg_run(call->pg, call->arena, COUNT_MEMBERS, PG_ARGS(pg_id(req->room), pg_int(n)), NULL));
    return count_in(call, QUOTA_members, state->created_by, n);
}

static enum err add_members(struct call *call, const struct room_arrival *req, struct import_state *state)
{
    const struct room_member_list members = req->members;
    struct arena *arena = call->arena;
    struct pg_arg subjects = pg_texts(arena, TEXTS_OF(arena, members, subject));
    struct pg_arg roles = pg_texts(arena, TEXTS_OF(arena, members, role));
    struct pg_arg joined = pg_times(arena, INTS_OF(arena, members, joined_at));
    struct pg_arg muted = pg_times(arena, INTS_OF(arena, members, muted_until));
    struct name other = { .subject = STR_NONE };
    int64_t added;

    if (members.len == 0) return OK;
    TRY(check_roles(call, state, members));
    TRY(pg_run(call->pg, arena, ADD_MEMBERS,
        PG_ARGS(pg_id(req->room), subjects, roles, joined, muted, pg_int(req->head)), &added));
    TRY(count_members(call, req, state, added));
    enum err e =
        pg_one(call->pg, arena, &name_shape, &other, OTHERS, PG_ARGS(pg_id(req->room), subjects, roles, joined, muted));
    if (e == OK)
        return call_fail(call, ERR_CONFLICT, "%.*s is not in the room as the file says", STR_ARG(other.subject));
    return e == ERR_NOT_FOUND ? OK : e;
}

/* --- friends --- */

/* Of members of this room alone; and what two are to each other already, they stay.  Each counts as a friend of the other's: relation.c. */
static const char ADD_FRIENDS[] =
    "WITH made AS (INSERT INTO relation (low, high, bond, since) SELECT a.low, a.high, 'friends', a.since"
    " FROM unnest($2::text[], $3::text[], $4::timestamptz[]) AS a (low, high, since)"
    " WHERE EXISTS (SELECT FROM member m WHERE m.room_id = $1 AND m.subject = a.low)"
    " AND EXISTS (SELECT FROM member m WHERE m.room_id = $1 AND m.subject = a.high)"
    " ORDER BY a.low COLLATE \"C\", a.high COLLATE \"C\" ON CONFLICT (low, high) DO NOTHING RETURNING low, high)"
    " INSERT INTO usage AS u (quota, subject, used) SELECT $5, subject, count(*) FROM (SELECT low AS subject FROM made"
    " UNION ALL SELECT high FROM made) both_of_them GROUP BY subject ORDER BY subject"
    " ON CONFLICT (quota, subject) DO UPDATE SET used = u.used + EXCLUDED.used";

static enum err add_friends(struct call *call, const struct room_arrival *req)
{
    struct arena *arena = call->arena;

    if (req->friends.len == 0) return OK;
    return pg_run(call->pg, arena, ADD_FRIENDS,
        PG_ARGS(pg_id(req->room), pg_texts(arena, TEXTS_OF(arena, req->friends, subject)),
            pg_texts(arena, TEXTS_OF(arena, req->friends, friend)),
            pg_times(arena, INTS_OF(arena, req->friends, since)), pg_text(str_of(quota_name(QUOTA_friends)))),
        NULL);
}

/* --- the end --- */

static const char OWNERS[] = "SELECT count(*) AS n FROM member WHERE room_id = $1 AND role = 'owner'";
static const char OPEN_ROOM[] = "UPDATE room SET archived_at = $2, version = version + 1 WHERE id = $1";
static const char END_IMPORT[] = "UPDATE room_import SET whole = true WHERE room_id = $1";

struct owners {
    int64_t n;
};

/* Of a room of two none is the owner. */
static enum err check_owner(struct call *call, struct id room, const struct import_state *state)
{
    static const struct wire_field fields[] = { ROW_FIELD(struct owners, n, INT), ROW_END };
    static const struct wire_shape shape = { "owners", "", sizeof(struct owners), fields };
    struct owners owners;

    TRY(pg_one(call->pg, call->arena, &shape, &owners, OWNERS, PG_ARGS(pg_id(room))));
    if (owners.n == (state->members > 0 && !is_direct(state))) return OK;
    return call_fail(
        call, ERR_INVALID_ARGUMENT, "a room with members has one owner, and this one has %lld", (long long)owners.n);
}

/* Stores and gateways ask anew, whatever they have heard of it before. */
static enum err end_import(struct call *call, struct id room, const struct import_state *state)
{
    const struct member_change change = { .room = room, .version = state->version + 1, .of = OF_ROLES };

    TRY(check_owner(call, room, state));
    TRY(pg_run(call->pg, call->arena, OPEN_ROOM, PG_ARGS(pg_id(room), pg_time(state->archived_at)), NULL));
    TRY(pg_run(call->pg, call->arena, END_IMPORT, PG_ARGS(pg_id(room)), NULL));
    TRY(own_tell_all(call, room, OWN_ADDED));
    return follow_change(call, &change);
}

enum err room_import(struct call *call, const struct room_arrival *req, struct room_arrived *rep)
{
    struct import_state state;

    if (req->begin != NULL) TRY(make_room(call, req->begin));
    TRY(read_state(call, req, &state));
    rep->whole = state.whole;
    if (state.whole) return OK;
    TRY(add_members(call, req, &state));
    TRY(add_friends(call, req));
    return req->whole ? end_import(call, req->room, &state) : OK;
}
