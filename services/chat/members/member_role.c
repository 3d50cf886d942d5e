/* member_role.c - a member's role is another; or the room is another's. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/db/pg.h"
#include "services/chat/chat.h"

/* Who owns a room is not muted in it. */
static const char SET_ROLE[] =
    "UPDATE member m SET role = $3, muted_until = CASE WHEN $3 <> 'owner' THEN m.muted_until END FROM room r"
    " WHERE r.id = m.room_id AND m.room_id = $1 AND m.subject = $2 RETURNING m.room_id AS room, m.subject,"
    " role_now(m.role, m.muted_until, r.writes, r.archived_at) AS role, reads_after(r.history, m.joined_at) AS "
    "reads_after";

static enum err set_role(
    struct call *call, struct id room, struct str subject, enum role role, struct access_change *out)
{
    return pg_one(call->pg, call->arena, access_change_shape(), out, SET_ROLE,
        PG_ARGS(pg_id(room), pg_text(subject), pg_text(room_role_name(role))));
}

static enum err check_role(struct call *call, const struct room *room, enum role role)
{
    if (role == ROLE_owner) return require_right(call, room, MAY_transfer);
    TRY(require_right(call, room, MAY_appoint));
    if (role < room_role_of(room->role)) return OK;
    return call_fail(call, ERR_FORBIDDEN, "role: is not below one's own in this room");
}

enum err member_role(struct call *call, const struct member_role *req, struct room_member *rep)
{
    struct access_change *who = arena_zero(call->arena, 2 * sizeof *who);
    struct room_row row;
    enum role role;

    if (!room_role_find(req->role, &role)) return call_fail(call, ERR_INVALID_ARGUMENT, "role: there is no such role");
    TRY(room_row_lock(call, req->room, &row));
    TRY(check_role(call, &row.room, role));
    TRY(require_member_below(call, &row.room, req->member, rep));
    TRY(set_role(call, req->room, rep->subject, role, &who[0]));
    if (role == ROLE_owner) TRY(set_role(call, req->room, call->who->sub, ROLE_admin, &who[1]));
    rep->role = room_role_name(role);
    if (role == ROLE_owner) rep->muted_until = 0;
    return room_row_changed(call, &row, (struct access_change_list){ who, role == ROLE_owner ? 2 : 1 }, OF_ROLES);
}
