/* report_decide.c - what was reported in a room, and what is decided of it, by who moderates that. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/db/pg.h"
#include "services/store/moderation/moderation.h"

static enum err work_list(struct pg *pg, struct arena *arena, void *arg)
{
    struct moderation *m = arg;
    const struct report_query *query = m->req;
    struct call call = call_on_worker(m->call, pg, arena);
    struct report_slice slice = {
        .room = query->room, .seer = call.who->sub, .state = query->state, .limit = query->limit
    };

    TRY(report_slice_check(&call, query->state, query->after, &slice.after));
    return report_list_read(&call, &slice, m->rep);
}

void report_list(struct call *call, const struct report_query *req, struct rpc_later *later)
{
    moderation_begin(call,
        &(struct moderation){ .room = req->room,
            .right = MAY_moderate,
            .req = req,
            .work = work_list,
            .rep = arena_zero(call->arena, sizeof(struct report_page)) },
        later);
}

/* --- who looks into it --- */

static enum err work_assign(struct pg *pg, struct arena *arena, void *arg)
{
    struct moderation *m = arg;
    const struct report_assignment *req = m->req;
    struct call call = call_on_worker(m->call, pg, arena);

    return report_set_assigned(&call, &(struct report_place){ req->report, req->room, call.who->sub }, req->to, m->rep);
}

static void on_moderator(void *arg, enum err e, struct log_access may)
{
    struct moderation *m = arg;

    if (e != OK)
        moderation_end(m, call_fail(m->call, e, "chat did not say who moderates this room"));
    else if (!room_role_may(may.role, MAY_moderate))
        moderation_end(m, call_fail(m->call, ERR_INVALID_ARGUMENT, "to: does not moderate this room"));
    else
        moderation_work(m);
}

static void check_moderator(struct moderation *m)
{
    const struct report_assignment *req = m->req;

    if (req->to.len > 0)
        access_cache_ask(store_chat(m->store, m->room)->access, m->room, req->to, on_moderator, m);
    else
        moderation_work(m);
}

void report_assign(struct call *call, const struct report_assignment *req, struct rpc_later *later)
{
    moderation_begin(call,
        &(struct moderation){ .room = req->room,
            .right = MAY_moderate,
            .req = req,
            .go_on = check_moderator,
            .work = work_assign,
            .rep = arena_zero(call->arena, sizeof(struct report)) },
        later);
}

/* --- what was done --- */

static enum err work_resolve(struct pg *pg, struct arena *arena, void *arg)
{
    struct moderation *m = arg;
    const struct report_resolution *req = m->req;
    struct call call = call_on_worker(m->call, pg, arena);

    return report_set_resolved(
        &call, &(struct report_place){ req->report, req->room, call.who->sub }, req->outcome, req->note, m->rep);
}

void report_resolve(struct call *call, const struct report_resolution *req, struct rpc_later *later)
{
    moderation_begin(call,
        &(struct moderation){ .room = req->room,
            .right = MAY_moderate,
            .req = req,
            .work = work_resolve,
            .rep = arena_zero(call->arena, sizeof(struct report)) },
        later);
}
