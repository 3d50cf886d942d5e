/* rpc_work.c - what the loop lends to a thread, with a transaction of its own or without one, and then has back. */
// SPDX-License-Identifier: Apache-2.0
#include <assert.h>

#include "libshared/base/clock.h"
#include "libshared/base/container_of.h"
#include "libshared/db/pg.h"
#include "libshared/rpc/rpc_server_private.h"

#define WORK_BUDGET_US 30000000 /* statements of one work, together */

struct rpc_work {
    struct rpc_task task;
    struct rpc_server *server;
    struct arena *arena;
    enum err (*work)(struct pg *pg, struct arena *arena, void *arg);
    void (*done)(void *arg, enum err e);
    void *arg;
    enum err e;
    struct rpc_work *next;
};

static void work_free(struct rpc_work *work)
{
    arena_destroy(&work->arena);
    mem_free(work);
}

static void work_give(struct rpc_server *server, struct rpc_work *work)
{
    arena_reset(work->arena);
    if (server->n_spare_works >= RPC_SPARE_MAX) {
        work_free(work);
        return;
    }
    work->next = server->spare_works;
    server->spare_works = work;
    server->n_spare_works++;
}

static struct rpc_work *work_take(struct rpc_server *server)
{
    struct rpc_work *work = server->spare_works;
    if (work != NULL) {
        server->spare_works = work->next;
        server->n_spare_works--;
        return work;
    }
    work = mem_zero(sizeof *work);
    /* bound: asked after the work (work_run); rows come with LIMITs */
    work->arena = arena_create("work", RPC_ARENA_MAX);
    return work;
}

static void work_done(void *arg)
{
    struct rpc_work *work = arg;
    struct rpc_server *server = work->server;
    assert(server->n_works > 0);
    server->n_works--;
    work->done(work->arg, work->e);
    work_give(server, work);
    rpc_drain_check(server);
}

static void work_drop(struct rpc_task *task, enum err why)
{
    struct rpc_work *work = CONTAINER_OF(task, struct rpc_work, task);
    work->e = why;
    work_done(work);
}

static void work_run(struct rpc_task *task, struct pg *pg)
{
    struct rpc_work *work = CONTAINER_OF(task, struct rpc_work, task);
    if (pg != NULL) pg_set_deadline(pg, clock_mono_us() + WORK_BUDGET_US);
    work->e = work->work(pg, work->arena, work->arg);
    if (work->e == OK && arena_is_over(work->arena)) work->e = ERR_TOO_LARGE;
    if (pg != NULL && work->e == OK)
        work->e = pg_commit(pg);
    else if (pg != NULL)
        pg_rollback(pg);
    loop_post_run(work->server->post, work_done, work);
}

static bool lend_work(struct rpc_server *server, struct rpc_pool *pool, struct str subject,
    enum err (*work)(struct pg *, struct arena *, void *), void (*done)(void *arg, enum err e), void *arg)
{
    if (pool == NULL) return false; /* the server is at its end */
    struct rpc_work *w = work_take(server);
    struct rpc_task task = { .run = work_run, .drop = work_drop, .what = STR("(work)") };
    *w = (struct rpc_work){ task, server, w->arena, work, done, arg, OK, NULL };
    if (!rpc_pool_put(pool, &w->task, subject)) {
        work_give(server, w);
        return false;
    }
    server->n_works++;
    return true;
}

bool rpc_server_work(struct rpc_server *server, struct str subject,
    enum err (*work)(struct pg *, struct arena *, void *), void (*done)(void *arg, enum err e), void *arg)
{
    assert(server->config.workers > 0 && "a service with work to do has threads for it");
    return lend_work(server, server->pool, subject, work, done, arg);
}

bool rpc_server_work_blocking(struct rpc_server *server, struct str subject,
    enum err (*work)(struct pg *, struct arena *, void *), void (*done)(void *arg, enum err e), void *arg)
{
    assert(server->config.blocking > 0 && "a service with work to do has threads for it");
    return lend_work(server, server->blocking, subject, work, done, arg);
}

void rpc_works_free(struct rpc_server *server)
{
    while (server->spare_works != NULL) {
        struct rpc_work *work = server->spare_works;
        server->spare_works = work->next;
        work_free(work);
    }
}
