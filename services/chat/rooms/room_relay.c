/* room_relay.c - an event that the server does not know, carried to a room's other listeners and never stored. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/rpc/room_rights.h"
#include "services/chat/chat.h"

struct carried_relay {
    struct rpc_later *later;
    const struct relay *relay;
};

static void on_carried(void *arg, enum err e)
{
    const struct carried_relay *carried = arg;
    struct nothing rep;

    rpc_later_done(carried->later, e, &rep);
}

/* Every gateway with a listener gets it, the sender's own too: it knows which socket is the origin. */
static void on_access(void *arg, enum err e, struct member_access access)
{
    struct carried_relay *carried = arg;
    struct call *call = rpc_later_call(carried->later);

    if (e == ERR_NOT_FOUND)
        e = call_fail(call, e, "there is no such room");
    else if (e == OK && access.role.len == 0)
        e = call_fail(call, ERR_FORBIDDEN, "not a member of this room");
    else if (e == OK && !room_role_may(room_role_of(access.role), MAY_write))
        e = call_fail(call, ERR_FORBIDDEN, "one only reads in this room, or for the time being");
    if (e == OK)
        relay_carry(call, carried->relay, on_carried, carried);
    else
        on_carried(carried, e);
}

void room_relay(struct call *call, const struct relay *req, struct rpc_later *later)
{
    struct carried_relay *carried = arena_zero(call->arena, sizeof *carried);

    *carried = (struct carried_relay){ later, req };
    member_cache_ask(
        ((struct chat *)call->context)->member_cache, call->server, req->room, call->who->sub, on_access, carried);
}
