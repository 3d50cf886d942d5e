/* room_delete.c - a room is no more: its members, bans and what it counted in quotas go with it, in one transaction. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/db/pg.h"
#include "services/chat/knocks/knocks.h"
#include "services/chat/notifications/notifications.h"
#include "services/chat/own/own.h"

/* In the order of subjects, as others lock them one after the other. */
static const char LOCK_QUOTAS[] =
    "SELECT FROM usage WHERE quota = $2 AND subject IN (SELECT coalesce(m.added_by, $3) FROM member m WHERE"
    " m.room_id = $1) ORDER BY subject FOR NO KEY UPDATE";
static const char GIVE_MEMBERS[] =
    "UPDATE usage u SET used = greatest(0, u.used - g.n) FROM (SELECT coalesce(m.added_by, $3) AS subject, count(*) AS"
    " n FROM member m WHERE m.room_id = $1 GROUP BY 1) g WHERE u.quota = $2 AND u.subject = g.subject";
static const char DELETE[] = "DELETE FROM room WHERE id = $1";

static enum err give_quotas(struct call *call, const struct room *room)
{
    struct str quota = str_of(quota_name(QUOTA_members));

    TRY(quota_give(call, QUOTA_rooms, room->created_by, 1));
    TRY(pg_run(
        call->pg, call->arena, LOCK_QUOTAS, PG_ARGS(pg_id(room->id), pg_text(quota), pg_text(room->created_by)), NULL));
    return pg_run(
        call->pg, call->arena, GIVE_MEMBERS, PG_ARGS(pg_id(room->id), pg_text(quota), pg_text(room->created_by)), NULL);
}

/* Stores ask anew who may act there, and gateways who may listen. */
static void tell_end(struct rpc_server *server, void *context, void *arg)
{
    struct chat *chat = context;
    const struct member_change *change = arg;

    member_change_apply(chat, change);
    feeds_tell(chat->feeds, server, &(struct access_change){ .room = change->room });
}

enum err room_row_end(struct call *call, const struct room_row *row)
{
    const struct member_change change = { .room = row->room.id, .version = row->version + 1 };

    TRY(give_quotas(call, &row->room));
    TRY(own_tell_all(call, row->room.id, OWN_REMOVED));
    TRY(knocks_tell_end(call, row->room.id));
    TRY(pg_run(call->pg, call->arena, DELETE, PG_ARGS(pg_id(row->room.id)), NULL));
    /* Afterwards: whoever holds `activity` waits for heads. */
    TRY(notifications_end_in(call, row->room.id, (struct str_list){ NULL, 0 }));
    call_after(call, tell_end, arena_copy(call->arena, &change, sizeof change));
    return OK;
}

enum err room_delete(struct call *call, const struct room_ref *req, struct nothing *rep)
{
    struct room_row row;

    (void)rep;
    TRY(room_row_lock(call, req->room, &row));
    TRY(require_right(call, &row.room, MAY_delete));
    return room_row_end(call, &row);
}
