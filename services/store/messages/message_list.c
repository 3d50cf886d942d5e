/* message_list.c - reading a room's log, for its members. */
// SPDX-License-Identifier: Apache-2.0
#include "services/store/store.h"

struct reading {
    struct store *store;
    struct rpc_later *later;
    struct slice slice;
    struct message_page page;
};

static enum err read_page(struct pg *pg, struct arena *arena, void *arg)
{
    struct reading *r = arg;

    return log_page(pg, arena, &r->slice, &r->page);
}

static void on_done(void *arg, enum err e)
{
    struct reading *r = arg;

    rpc_later_done(r->later, e, &r->page);
}

static void on_grant(void *arg, enum err e, bool is_member)
{
    struct reading *r = arg;
    struct call *call = rpc_later_call(r->later);

    e = access_error(call, e, is_member);
    if (e == OK && !rpc_server_work(r->store->server, call->who->sub, read_page, on_done, r))
        e = call_fail(call, ERR_OVERLOADED, "too many requests wait for a worker");
    if (e != OK) rpc_later_done(r->later, e, NULL);
}

static enum err check_query(struct call *call, const struct message_query *req)
{
    if (call->who->sub.len == 0)
        return call_fail(call, ERR_UNAUTHENTICATED, "messages are read by somebody: there is no subject");
    if (req->before > 0 && req->after >= 0)
        return call_fail(call, ERR_INVALID_ARGUMENT, "before: not together with `after`");
    return OK;
}

/* Neither bound: the newest. */
static struct slice slice_of(const struct message_query *req)
{
    bool is_forward = req->after >= 0;

    return (struct slice){ .room = req->room,
        .after = is_forward ? req->after : 0,
        .before = is_forward        ? 0
                  : req->before > 0 ? req->before
                                    : INT64_MAX,
        .limit = req->limit };
}

void message_list(struct call *call, const struct message_query *req, struct rpc_later *later)
{
    enum err e = check_query(call, req);

    if (e != OK) {
        rpc_later_done(later, e, NULL);
        return;
    }
    struct reading *r = arena_zero(call->arena, sizeof *r);
    *r = (struct reading){ .store = call->context, .later = later, .slice = slice_of(req) };
    access_cache_ask(r->store->access, req->room, call->who->sub, on_grant, r);
}
