/* rpc_steps.c - a LATER method that goes from thread to thread: one step after the other, until one fails. */
// SPDX-License-Identifier: Apache-2.0
#include <assert.h>

#include "libshared/base/clock.h"
#include "libshared/db/pg.h"
#include "libshared/rpc/rpc_server_private.h"

/* In the call's arena, which lives until the answer. */
struct steps {
    struct rpc_later *later;
    const struct rpc_step *next;
    void (*end)(void *arg, enum err e);
    void *arg;
};

/* Nobody waits for what comes after the deadline, and a thread may have been waited for until then.  The arena of the work
 * ends with it; what the next step needs is in the call's. */
static enum err run_step(struct pg *pg, struct arena *arena, void *arg)
{
    struct steps *steps = arg;
    const struct call *call = rpc_later_call(steps->later);

    (void)arena;
    if (clock_mono_us() > call->deadline_us) return ERR_DEADLINE;
    if (pg != NULL) pg_set_deadline(pg, call->deadline_us);
    return steps->next->run(pg, call->arena, steps->arg);
}

static void step_done(void *arg, enum err e);

static enum err lend_step(struct steps *steps)
{
    struct call *call = rpc_later_call(steps->later);
    struct str lane = rpc_call_lane(call);
    bool is_lent = steps->next->where == BLOCKING
                       ? rpc_server_work_blocking(call->server, lane, run_step, step_done, steps)
                       : rpc_server_work(call->server, lane, run_step, step_done, steps);

    return is_lent ? OK : call_fail(call, ERR_OVERLOADED, "too many requests wait for a thread");
}

static void step_done(void *arg, enum err e)
{
    struct steps *steps = arg;

    if (e == OK && (++steps->next)->run != NULL) {
        e = lend_step(steps);
        if (e == OK) return;
    }
    steps->end(steps->arg, e);
}

void rpc_later_steps(
    struct rpc_later *later, const struct rpc_step *list, void (*end)(void *arg, enum err e), void *arg)
{
    struct call *call = rpc_later_call(later);
    struct steps *steps = arena_alloc(call->arena, sizeof *steps);

    assert(list->run != NULL && (list->where == WORKER || list->where == BLOCKING));
    *steps = (struct steps){ later, list, end, arg };
    enum err e = lend_step(steps);
    if (e != OK) end(arg, e);
}
