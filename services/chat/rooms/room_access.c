/* room_access.c - for the store: may this subject act in this room? */
// SPDX-License-Identifier: Apache-2.0
#include "services/chat/chat.h"

struct asked {
    struct rpc_later *later;
    struct access rep;
};

static void on_access(void *arg, enum err e, struct member_access access)
{
    struct asked *asked = arg;

    asked->rep.role = access.role;
    asked->rep.reads_after = access.reads_after;
    asked->rep.slow_s = room_role_may(room_role_of(access.role), MAY_moderate) ? 0 : access.slow_s;
    if (e == ERR_NOT_FOUND) e = call_fail(rpc_later_call(asked->later), e, "there is no such room");
    rpc_later_done(asked->later, e, &asked->rep);
}

void room_access(struct call *call, const struct access_query *req, struct rpc_later *later)
{
    struct chat *chat = call->context;
    struct asked *asked = arena_zero(call->arena, sizeof *asked);

    asked->later = later;
    asked->rep = (struct access){ .room = req->room, .subject = req->subject };
    member_cache_ask(chat->member_cache, call->server, req->room, req->subject, on_access, asked);
}
