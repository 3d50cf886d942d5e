/* room_keeping.c - for the store: for how long rooms keep what was said, how much of it, and which are no more or were purged; and its word on where their logs begin, which counts go by. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/db/pg.h"
#include "libshared/db/rows.h"
#include "libshared/wire/columns.h"
#include "services/chat/chat.h"

#define ROOMS_MAX 500 /* proto/chat.def: rooms_kept.rooms */

/* In the order of ids, as whoever counts locks them. */
static const char RAISE[] =
    "WITH raised AS (SELECT a.room_id, u.first FROM unnest($1::uuid[], $2::bigint[]) AS u (room_id, first)"
    " JOIN activity a USING (room_id) WHERE a.first < u.first ORDER BY a.room_id FOR NO KEY UPDATE OF a)"
    " UPDATE activity a SET first = r.first, changed_at = now() FROM raised r WHERE a.room_id = r.room_id";
static const char FORGET_MENTIONS[] =
    "DELETE FROM mention n USING unnest($1::uuid[], $2::bigint[]) AS u (room_id, first)"
    " WHERE n.room_id = u.room_id AND n.seq < u.first";
static const char KEPT[] =
    "SELECT id AS room, coalesce(kept_days, 0) AS days, coalesce(kept_messages, 0) AS messages FROM room"
    " WHERE id = ANY ($1) AND (kept_days IS NOT NULL OR kept_messages IS NOT NULL)";

static const char GONE[] = "SELECT array_agg(q.room) AS rooms FROM unnest($1::uuid[]) AS q (room)"
                           " WHERE NOT EXISTS (SELECT FROM room WHERE id = q.room)";

static const char PURGED[] = "SELECT array_agg(room_id) AS rooms FROM purged_room WHERE room_id = ANY ($1)";

struct gone_rooms {
    struct id_list rooms;
};
static const struct wire_field gone_fields[] = { ROW_FIELD(struct gone_rooms, rooms, IDS), ROW_END };
static const struct wire_shape gone_shape = { "gone_rooms", "", sizeof(struct gone_rooms), gone_fields };

enum err room_keeping(struct call *call, const struct log_begins *req, struct rooms_kept *rep)
{
    const struct log_begin_list *logs = &req->logs;
    struct gone_rooms gone = { { NULL, 0 } };
    struct id_list rooms = IDS_OF(call->arena, *logs, room);

    const struct pg_args *begins =
        PG_ARGS(pg_ids(call->arena, rooms), pg_ints(call->arena, INTS_OF(call->arena, *logs, first)));
    TRY(pg_run(call->pg, call->arena, RAISE, begins, NULL));
    TRY(pg_run(call->pg, call->arena, FORGET_MENTIONS, begins, NULL));
    TRY(pg_one(call->pg, call->arena, &gone_shape, &gone, GONE, PG_ARGS(pg_ids(call->arena, rooms))));
    rep->gone = gone.rooms;
    gone.rooms = (struct id_list){ NULL, 0 };
    if (rep->gone.len > 0)
        TRY(pg_one(call->pg, call->arena, &gone_shape, &gone, PURGED, PG_ARGS(pg_ids(call->arena, rep->gone))));
    rep->purged = gone.rooms;
    return pg_all(
        call->pg, call->arena, room_kept_shape(), &rep->rooms, ROOMS_MAX, KEPT, PG_ARGS(pg_ids(call->arena, rooms)));
}
