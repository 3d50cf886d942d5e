/* room_create.c - making a room. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/db/pg.h"
#include "services/chat/chat.h"

static const char INSERT_ROOM[] =
    "INSERT INTO room (id, name, open, created_by, created_at, client_key) VALUES ($1, $2, $3, $4, $5, $6)"
    " ON CONFLICT (created_by, client_key) DO NOTHING RETURNING id, name, open, created_by, created_at";

static const char ROOM_BY_KEY[] =
    "SELECT id, name, open, created_by, created_at FROM room WHERE created_by = $1 AND client_key = $2";

static const char FIRST_MEMBERS[] =
    "INSERT INTO member (room_id, subject, role, joined_at, added_by)"
    " SELECT DISTINCT $1::uuid, subject, CASE WHEN subject = $2 THEN 'owner' ELSE 'member' END, $4::timestamptz, $2"
    " FROM (SELECT subject_form(name) AS subject FROM unnest($3 || $2) AS name) named";

static const char COUNT_FIRST[] = "UPDATE room SET members = $2 WHERE id = $1";

enum err room_create(struct call *call, const struct room_draft *draft, struct room *rep)
{
    int64_t members, members_max = ((const struct chat *)call->context)->members_max;

    TRY(require_subject(call));
    TRY(require_names(call, draft->members));
    struct str name = draft->name.at ? draft->name : STR("");
    enum err e = pg_one(call->pg, call->arena, room_shape(), rep, INSERT_ROOM,
        PG_ARGS(pg_id(id_new()), pg_text(name), pg_bool(draft->open), pg_text(call->who->sub), pg_time(call->now),
            pg_text(draft->client_key)));

    /* No row: a client that lost our reply asks again.  Repeat the answer. */
    if (e == ERR_NOT_FOUND)
        return pg_one(call->pg, call->arena, room_shape(), rep, ROOM_BY_KEY,
            PG_ARGS(pg_text(call->who->sub), pg_text(draft->client_key)));
    TRY(e);

    TRY(pg_run(call->pg, call->arena, FIRST_MEMBERS,
        PG_ARGS(pg_id(rep->id), pg_text(call->who->sub), pg_texts(call->arena, draft->members), pg_time(call->now)),
        &members));
    if (members > members_max)
        return call_fail(call, ERR_TOO_LARGE, "members: a room has at most %lld", (long long)members_max);
    TRY(quota_take(call, QUOTA_rooms, 1));
    TRY(quota_take(call, QUOTA_members, members));
    /* Nobody is told: nobody can have remembered anything of a room whose id is new. */
    return pg_run(call->pg, call->arena, COUNT_FIRST, PG_ARGS(pg_id(rep->id), pg_int(members)), NULL);
}
