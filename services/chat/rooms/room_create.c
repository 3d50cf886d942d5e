/* room_create.c - making a room. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/db/pg.h"
#include "services/chat/notifications/notifications.h"
#include "services/chat/own/own.h"

static const char INSERT_ROOM[] =
    "INSERT INTO room (id, name, open, created_by, created_at, client_key, lines, topic, writes, invites, history, "
    "knocks, listed, receipts_since, slow_s)"
    " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, CASE WHEN $14 THEN $5::timestamptz END, $15) ON "
    "CONFLICT (created_by, client_key) DO NOTHING";

static const char ROOM_BY_KEY[] = "SELECT id AS room FROM room WHERE created_by = $1 AND client_key = $2";

static const char FIRST_MEMBERS[] =
    "INSERT INTO member (room_id, subject, role, joined_at, added_by)"
    " SELECT DISTINCT $1::uuid, subject, CASE WHEN subject = $2 THEN 'owner' ELSE 'member' END, $4::timestamptz, $2"
    " FROM (SELECT subject_form(name) AS subject FROM unnest($3 || $2) AS name) named WHERE NOT blocked($2, subject)";

static const char COUNT_FIRST[] = "UPDATE room SET members = $2 WHERE id = $1";

static struct str or_else(struct str text, const char *otherwise)
{
    return text.len > 0 ? text : str_of(otherwise);
}

static enum err insert_room(struct call *call, struct id room, const struct room_draft *draft, int64_t *rows)
{
    struct str writes = or_else(draft->writes, "member"), invites = or_else(draft->invites, "admin");
    struct str history = or_else(draft->history, "all");

    TRY(require_settings(call, writes, invites, history));
    if (draft->open && draft->knocks) return call_fail(call, ERR_INVALID_ARGUMENT, "knocks: the room is open");
    return pg_run(call->pg, call->arena, INSERT_ROOM,
        PG_ARGS(pg_id(room), pg_text(or_else(draft->name, "")), pg_bool(draft->open), pg_text(call->who->sub),
            pg_time(call->now), pg_text(draft->client_key), pg_bool(draft->lines), pg_text(or_else(draft->topic, "")),
            pg_text(writes), pg_text(invites), pg_text(history), pg_bool(draft->knocks), pg_bool(draft->listed),
            pg_bool(draft->receipts), pg_int(draft->slow_s)),
        rows);
}

static enum err add_first(struct call *call, struct id room, struct str_list others)
{
    int64_t members, members_max = chat_settings(call)->members_max;

    TRY(pg_run(call->pg, call->arena, FIRST_MEMBERS,
        PG_ARGS(pg_id(room), pg_text(call->who->sub), pg_texts(call->arena, others), pg_time(call->now)), &members));
    if (members > members_max)
        return call_fail(call, ERR_TOO_LARGE, "members: a room has at most %lld", (long long)members_max);
    TRY(quota_take(call, QUOTA_rooms, 1));
    TRY(quota_take(call, QUOTA_members, members));
    /* Nobody else is told: nobody can have remembered anything of a room whose id is new. */
    TRY(own_tell_all(call, room, OWN_ADDED));
    TRY(notifications_of_first_members(call, room));
    return pg_run(call->pg, call->arena, COUNT_FIRST, PG_ARGS(pg_id(room), pg_int(members)), NULL);
}

enum err room_create(struct call *call, const struct room_draft *draft, struct room *rep)
{
    struct room_ref made = { id_new() };
    int64_t rows;

    TRY(require_subject(call));
    TRY(require_names(call, draft->members));
    TRY(require_unblocked(call, draft->members));
    TRY(insert_room(call, made.room, draft, &rows));
    if (rows > 0)
        TRY(add_first(call, made.room, draft->members));
    else /* a client that lost our reply asks again: it gets it */
        TRY(pg_one(call->pg, call->arena, room_ref_shape(), &made, ROOM_BY_KEY,
            PG_ARGS(pg_text(call->who->sub), pg_text(draft->client_key))));
    return room_get(call, &made, rep);
}
