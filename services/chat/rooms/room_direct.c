/* room_direct.c - the room of two: whoever asks first makes it, and everybody who asks later finds it. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/db/pg.h"
#include "libshared/db/rows.h"
#include "services/chat/own/own.h"

struct direct_row {
    struct id room;
    struct str peer;
};
static const struct wire_field direct_row_fields[] = {
    ROW_FIELD(struct direct_row, room, ID),
    ROW_FIELD(struct direct_row, peer, TEXT),
    ROW_END,
};
static const struct wire_shape direct_row_shape = { "direct_row", "", sizeof(struct direct_row), direct_row_fields };

#define TWO "(SELECT $1::text COLLATE \"C\" AS self, subject_form($2) COLLATE \"C\" AS other) two"

/* No row: there is one, also if its maker committed only now; or the two are one. */
static const char PUT_DIRECT[] =
    "INSERT INTO direct (low, high, room_id) SELECT least(self, other), greatest(self, other), $3 FROM " TWO
    " WHERE self <> other ON CONFLICT (low, high) DO NOTHING RETURNING room_id AS room,"
    " CASE WHEN low = $1 THEN high ELSE low END AS peer";
static const char FIND_DIRECT[] = "SELECT d.room_id AS room, other AS peer FROM " TWO
                                  " JOIN direct d ON d.low = least(self, other) AND d.high = greatest(self, other)";

static const char INSERT_ROOM[] =
    "INSERT INTO room (id, name, open, created_by, created_at, members) VALUES ($1, '', false, $2, $3, 2)";
/* None is the owner: nobody else comes in, and nobody puts the other out. */
static const char BOTH[] = "INSERT INTO member (room_id, subject, role, joined_at, added_by)"
                           " SELECT $1, subject, 'member', $4, $2 FROM unnest(ARRAY[$2::text, $3]) AS subject";

/* The other one's block is not asked about: they do not see the room while they block. */
static enum err make_room(struct call *call, const struct direct_row *direct)
{
    TRY(pg_run(call->pg, call->arena, INSERT_ROOM,
        PG_ARGS(pg_id(direct->room), pg_text(call->who->sub), pg_time(call->now)), NULL));
    TRY(pg_run(call->pg, call->arena, BOTH,
        PG_ARGS(pg_id(direct->room), pg_text(call->who->sub), pg_text(direct->peer), pg_time(call->now)), NULL));
    TRY(quota_take(call, QUOTA_rooms, 1));
    TRY(quota_take(call, QUOTA_members, 2));
    return own_tell_all(call, direct->room, OWN_ADDED);
}

/* The caller becomes a member again; the other one, if they have left, does not. */
static enum err come_back(struct call *call, struct id room)
{
    struct room_row row;

    TRY(room_row_lock(call, room, &row));
    if (row.room.role.len > 0) return OK;
    struct str *self = arena_copy(call->arena, &call->who->sub, sizeof *self);
    return room_row_add(call, &row, (struct str_list){ self, 1 });
}

enum err room_direct(struct call *call, const struct friend_ref *req, struct room *rep)
{
    struct direct_row direct = { .peer = STR_NONE };
    struct str *subject = arena_copy(call->arena, &req->subject, sizeof *subject);

    TRY(require_subject(call));
    TRY(require_somebody(call, req->subject));
    TRY(require_unblocked(call, (struct str_list){ subject, 1 }));
    enum err e = pg_one(call->pg, call->arena, &direct_row_shape, &direct, PUT_DIRECT,
        PG_ARGS(pg_text(call->who->sub), pg_text(req->subject), pg_id(id_new())));
    bool is_new = e == OK;
    if (e == ERR_NOT_FOUND)
        e = pg_one(call->pg, call->arena, &direct_row_shape, &direct, FIND_DIRECT,
            PG_ARGS(pg_text(call->who->sub), pg_text(req->subject)));
    if (e == ERR_NOT_FOUND) return call_fail(call, ERR_INVALID_ARGUMENT, "subject: is oneself");
    TRY(e);
    TRY(is_new ? make_room(call, &direct) : come_back(call, direct.room));
    TRY(room_get(call, &(struct room_ref){ direct.room }, rep));
    rep->peer = direct.peer;
    return OK;
}
