/* room_readable.c - for the store: all rooms that somebody may read, as they are looked for at once. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/db/pg.h"
#include "services/chat/chat.h"

#define ROOMS_MAX 20000 /* proto/chat.def: readable_rooms.rooms */

/* Whoever is a member reads, whatever they are in the room: `read`, in proto/rooms.def. */
static const char READABLE[] =
    "SELECT m.room_id AS room, reads_after(r.history, m.joined_at) AS reads_after FROM member m JOIN room r"
    " ON r.id = m.room_id WHERE m.subject = $1 ORDER BY m.room_id DESC LIMIT $2";

enum err room_readable(struct call *call, const struct readable_query *req, struct readable_rooms *rep)
{
    return pg_all(call->pg, call->arena, readable_room_shape(), &rep->rooms, ROOMS_MAX, READABLE,
        PG_ARGS(pg_text(req->subject), pg_int(ROOMS_MAX)));
}
