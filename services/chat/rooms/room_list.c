/* room_list.c - the rooms one is a member of. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/db/pg.h"
#include "services/chat/chat.h"

/* COALESCE rather than OR: one plan, and it walks the index member_rooms from the right place.  The room that one shares with
 * somebody whom one blocks is not shown meanwhile. */
static const char OWN_ROOMS[] =
    "SELECT " ROOM_COLUMNS ", CASE WHEN d.low = $1 THEN d.high ELSE d.low END"
    " AS peer FROM member m JOIN room r ON r.id = m.room_id LEFT JOIN direct d ON d.room_id = m.room_id"
    " WHERE m.subject = $1 AND m.room_id < COALESCE($2, 'ffffffff-ffff-ffff-ffff-ffffffffffff'::uuid)"
    " AND (d.room_id IS NULL OR NOT blocks($1, CASE WHEN d.low = $1 THEN d.high ELSE d.low END))"
    " ORDER BY m.room_id DESC LIMIT $3";

enum err room_list(struct call *call, const struct room_query *req, struct room_page *rep)
{
    TRY(require_subject(call));
    TRY(pg_all(call->pg, call->arena, room_shape(), &rep->rooms, (size_t)req->limit, OWN_ROOMS,
        PG_ARGS(pg_text(call->who->sub), pg_id(req->before), pg_int(req->limit))));
    for (size_t i = 0; i < rep->rooms.len; i++) room_fill_can(call, &rep->rooms.at[i]);
    return OK;
}
