/* moderation.c - what only who has a right in a room may ask: chat says whether they have it, then a worker does it. */
// SPDX-License-Identifier: Apache-2.0
#include "services/store/moderation/moderation.h"

void moderation_end(struct moderation *m, enum err e)
{
    rpc_later_done(m->later, e, m->rep);
}

static void on_done(void *arg, enum err e)
{
    moderation_end(arg, e);
}

void moderation_work(struct moderation *m)
{
    if (rpc_server_work(m->store->server, m->call->who->sub, m->work, on_done, m)) return;
    moderation_end(m, call_fail(m->call, ERR_OVERLOADED, "too many requests wait for a worker"));
}

static void on_grant(void *arg, enum err e, struct log_access may)
{
    struct moderation *m = arg;

    m->may = may;
    e = access_error(m->call, e, may);
    if (e == OK && !room_role_may(may.role, m->right))
        e = call_fail(m->call, ERR_FORBIDDEN, "one's role in this room does not have the right %s, or not now",
            room_right_name(m->right));
    if (e != OK)
        moderation_end(m, e);
    else if (m->go_on != NULL)
        m->go_on(m);
    else
        moderation_work(m);
}

void moderation_begin(struct call *call, const struct moderation *what, struct rpc_later *later)
{
    struct moderation *m = arena_copy(call->arena, what, sizeof *what);

    m->store = call->context;
    m->call = call;
    m->later = later;
    if (call->who->sub.len > 0)
        access_cache_ask(store_chat(m->store, m->room)->access, m->room, call->who->sub, on_grant, m);
    else
        moderation_end(m, call_fail(call, ERR_UNAUTHENTICATED, "there is no subject"));
}
