/* room_mute.c - of what a member wants to be told in a room; nobody else hears of it. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/db/pg.h"
#include "services/chat/own/own.h"

static const char MUTE[] = "UPDATE member SET muted = $3, changed_at = now() WHERE room_id = $1 AND subject = $2 "
                           "RETURNING room_id AS room, muted";

enum err room_mute(struct call *call, const struct room_muting *req, struct room_muting *rep)
{
    struct room_row row;

    if (!str_is(req->muted, "yes") && !str_is(req->muted, "but_mentions") && !str_is(req->muted, "no"))
        return call_fail(call, ERR_INVALID_ARGUMENT, "muted: is yes, but_mentions or no");
    TRY(room_row_get(call, req->room, &row));
    enum err e = pg_one(call->pg, call->arena, room_muting_shape(), rep, MUTE,
        PG_ARGS(pg_id(req->room), pg_text(call->who->sub), pg_text(req->muted)));
    if (e == ERR_NOT_FOUND) return call_fail(call, ERR_FORBIDDEN, "not a member of this room");
    TRY(e);
    own_tell(call, req->room, OWN_CHANGED, own_self(call));
    return OK;
}
