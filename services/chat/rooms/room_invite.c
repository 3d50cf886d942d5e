/* room_invite.c - adding members, by a room's owner. */
// SPDX-License-Identifier: Apache-2.0
#include "services/chat/chat.h"

enum err room_invite(struct call *call, const struct room_invitation *req, struct room *rep)
{
    struct room_row row;

    TRY(room_row_lock(call, req->room, &row));
    if (!str_is(row.role, "owner")) return call_fail(call, ERR_FORBIDDEN, "only the owner of a room invites");
    TRY(require_names(call, req->members));
    TRY(room_row_add(call, &row, req->members));
    *rep = room_of_row(&row);
    return OK;
}
