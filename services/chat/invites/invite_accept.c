/* invite_accept.c - somebody has a link's code: they look at the room, or come in. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/db/pg.h"
#include "services/chat/invites/invites.h"

/* What the one who made it may there is judged from their row, as it is now. */
#define LETS_IN                                                                                                        \
    "member m WHERE i.room_id = $1 AND i.code_hash = $2 AND i.expires_at > $3 AND (i.uses IS NULL OR i.used < i.uses)" \
    " AND m.room_id = i.room_id AND m.subject = i.made_by AND NOT blocked(i.made_by, $4)"

static const char LOOK[] = "SELECT m.role, m.muted_until FROM invite i, " LETS_IN;
static const char TAKE[] = "UPDATE invite i SET used = i.used + 1 FROM " LETS_IN " RETURNING m.role, m.muted_until";

/* `statement` finds the link, and its transaction keeps what it takes if the caller comes in. */
static enum err require_invite(
    struct call *call, const struct room *room, const char *statement, const struct invite_code *req)
{
    struct str *self = arena_copy(call->arena, &call->who->sub, sizeof *self);
    struct room seen_by_maker = *room;
    enum err e = pg_one(call->pg, call->arena, room_shape(), &seen_by_maker, statement,
        PG_ARGS(pg_id(room->id), pg_bytes(code_hash(call->arena, INVITE_CODE, req->code)), pg_time(call->now),
            pg_text(call->who->sub)));

    if (e == ERR_NOT_FOUND || (e == OK && !room_lets(&seen_by_maker, MAY_link)))
        return call_fail(call, ERR_NOT_FOUND, "there is no such link, or it lets nobody in any more");
    TRY(e);
    return require_unbanned(call, room->id, (struct str_list){ self, 1 }, ERR_FORBIDDEN);
}

enum err invite_show(struct call *call, const struct invite_code *req, struct room_front *rep)
{
    struct room_row row;

    TRY(room_row_get(call, req->room, &row));
    TRY(require_invite(call, &row.room, LOOK, req));
    *rep = (struct room_front){ .room = row.room.id,
        .name = row.room.name,
        .topic = row.room.topic,
        .members = row.room.members,
        .open = row.room.open };
    return OK;
}

/* Who is in it already takes nothing, whatever became of the link: they may have lost our answer. */
enum err invite_accept(struct call *call, const struct invite_code *req, struct room *rep)
{
    struct room_row row;

    TRY(room_row_lock(call, req->room, &row));
    if (row.room.role.len == 0) {
        struct str *self = arena_copy(call->arena, &call->who->sub, sizeof *self);
        TRY(require_invite(call, &row.room, TAKE, req));
        if (row.room.archived_at > 0) return call_fail(call, ERR_FORBIDDEN, "the room is archived");
        TRY(room_row_add(call, &row, (struct str_list){ self, 1 }));
    }
    return room_get(call, &(struct room_ref){ req->room }, rep);
}
