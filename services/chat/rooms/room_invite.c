/* room_invite.c - adding members, by who may. */
// SPDX-License-Identifier: Apache-2.0
#include "services/chat/chat.h"

enum err room_invite(struct call *call, const struct room_invitation *req, struct room *rep)
{
    struct room_row row;

    TRY(room_row_lock(call, req->room, &row));
    TRY(require_right(call, &row.room, MAY_invite));
    TRY(require_names(call, req->members));
    TRY(require_unbanned(call, req->room, req->members, ERR_CONFLICT));
    TRY(room_row_add(call, &row, req->members));
    return room_get(call, &(struct room_ref){ req->room }, rep);
}
