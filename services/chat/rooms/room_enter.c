/* room_enter.c - may one listen in this room? */
// SPDX-License-Identifier: Apache-2.0
#include "services/chat/chat.h"

/* The gateway fills in `seq`: the store knows it. */
static void fill_entered(struct call *call, struct room *room, struct room_entered *rep)
{
    room_fill_can(call, room);
    *rep = (struct room_entered){
        .room = room->id, .name = room->name, .role = room->role, .can = room->can, .reads_after = room->reads_after
    };
}

static enum err join_room(struct call *call, struct id room, struct room_entered *rep)
{
    struct room_row row;

    TRY(room_row_lock(call, room, &row));
    if (row.room.role.len == 0) {
        struct str *self = arena_copy(call->arena, &call->who->sub, sizeof *self);
        if (row.room.archived_at > 0) return call_fail(call, ERR_FORBIDDEN, "the room is archived");
        TRY(require_unbanned(call, room, (struct str_list){ self, 1 }, ERR_FORBIDDEN));
        TRY(room_row_add(call, &row, (struct str_list){ self, 1 }));
        TRY(room_row_get(call, room, &row));
    }
    fill_entered(call, &row.room, rep);
    return OK;
}

/* A closed room is forbidden rather than not found: its id has 74 random bits, so the asking client was told it once and should
 * learn that it is no member any more. */
enum err room_enter(struct call *call, const struct room_entry *req, struct room_entered *rep)
{
    struct room_row row;

    TRY(room_row_get(call, req->room, &row));
    if (row.room.role.len == 0 && !row.room.open) return call_fail(call, ERR_FORBIDDEN, "not a member of this room");
    if (row.room.role.len == 0) return join_room(call, req->room, rep);
    fill_entered(call, &row.room, rep);
    return OK;
}
