/* logs_show.c - how much there is in a room's log, for an operator: also of a room that is no more. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/db/pg.h"
#include "services/store/store.h"

/* The first and the last of its messages are found by their places, whatever lies between them. */
static const char LOG[] =
    "SELECT h.room_id AS room, h.seq AS head, h.first, greatest(h.seq - h.first + 1, 0) AS entries,"
    " h.cleared < h.first AS clearing, (SELECT at FROM message WHERE room_id = $1 AND seq >= h.first ORDER BY seq "
    "LIMIT 1)"
    " AS oldest_at, (SELECT at FROM message WHERE room_id = $1 AND seq >= h.first ORDER BY seq DESC LIMIT 1) AS "
    "newest_at"
    " FROM room_head h WHERE h.room_id = $1";

enum err logs_show(struct call *call, const struct room_ref *req, struct log_state *rep)
{
    *rep = (struct log_state){ .room = req->room, .first = 1 };
    enum err e = pg_one(call->pg, call->arena, log_state_shape(), rep, LOG, PG_ARGS(pg_id(req->room)));

    return e == ERR_NOT_FOUND ? OK : e; /* nobody has said anything there yet */
}
