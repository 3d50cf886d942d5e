/* room_list.c - the rooms one is a member of. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/db/pg.h"
#include "services/chat/chat.h"

/* COALESCE rather than OR: one plan, and it walks the index member_rooms from the right place. */
static const char OWN_ROOMS[] =
    "SELECT r.id, r.name, r.open, r.created_by, r.created_at FROM member m JOIN room r ON r.id = m.room_id"
    " WHERE m.subject = $1 AND m.room_id < COALESCE($2, 'ffffffff-ffff-ffff-ffff-ffffffffffff'::uuid)"
    " ORDER BY m.room_id DESC LIMIT $3";

enum err room_list(struct call *call, const struct room_query *req, struct room_page *rep)
{
    TRY(require_subject(call));
    return pg_all(call->pg, call->arena, room_shape(), &rep->rooms, (size_t)req->limit, OWN_ROOMS,
        PG_ARGS(pg_text(call->who->sub), pg_id(req->before), pg_int(req->limit)));
}
