/* room_roles.c - what one subject is in many rooms, in one question: for gateways, to which it comes back. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/db/pg.h"
#include "services/chat/chat.h"

/* Read, and not remembered: a herd that comes back asks for rooms that nobody else asks for, each with all its members. */
static const char ROLES[] =
    "SELECT r.room, COALESCE(m.role, '') AS role, reads_after(o.history, m.joined_at) AS reads_after"
    " FROM unnest($2) WITH ORDINALITY AS r (room, n) LEFT JOIN member m ON m.room_id = r.room AND"
    " m.subject = $1 LEFT JOIN room o ON o.id = m.room_id ORDER BY r.n";

enum err room_roles(struct call *call, const struct roles_query *req, struct room_roles *rep)
{
    return pg_all(call->pg, call->arena, room_role_shape(), &rep->roles, req->rooms.len, ROLES,
        PG_ARGS(pg_text(req->subject), pg_ids(call->arena, req->rooms)));
}
