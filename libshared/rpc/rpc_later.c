/* rpc_later.c - requests in hand; those that are answered later; and work for the workers. */
// SPDX-License-Identifier: Apache-2.0
#include <assert.h>
#include <utlist.h>

#include "libshared/base/clock.h"
#include "libshared/db/pg.h"
#include "libshared/rpc/rpc_inside.h"
#include "libshared/service/metrics.h"

#define REPLY_KEPT     (64u << 10) /* a larger reply's memory isn't kept for the next */
#define WORK_BUDGET_US 30000000    /* statements of one work, together */

struct rpc_work {
    struct rpc_task task; /* first: a task is cast back */
    struct rpc_server *server;
    struct arena *arena;
    enum err (*work)(struct pg *pg, struct arena *arena, void *arg);
    void (*done)(void *arg, enum err e);
    void *arg;
    enum err e;
    struct rpc_work *next;
};

struct rpc_later *rpc_later_take(struct rpc_server *server)
{
    struct rpc_later *later = server->spare;
    if (later != NULL) {
        server->spare = later->next;
        server->n_spare--;
    } else {
        later = mem_zero(sizeof(*later));
        later->arena = arena_create("call", RPC_ARENA_MAX);
        later->reply = BUF(RPC_BODY_MAX);
    }
    later->server = server;
    zmq_msg_init(&later->head_bytes);
    zmq_msg_init(&later->body_bytes);
    DL_APPEND(server->in_hand, later);
    server->n_in_hand++;
    return later;
}

static void later_free(struct rpc_later *later)
{
    arena_destroy(&later->arena);
    buf_free(&later->reply);
    mem_free(later);
}

static void empty(struct rpc_later *later)
{
    struct rpc_later clean = { .arena = later->arena, .reply = later->reply };
    zmq_msg_close(&later->head_bytes);
    zmq_msg_close(&later->body_bytes);
    if (clean.reply.cap > REPLY_KEPT) {
        buf_free(&clean.reply);
        clean.reply = BUF(RPC_BODY_MAX);
    }
    buf_clear(&clean.reply);
    arena_reset(clean.arena);
    *later = clean;
}

void rpc_later_give(struct rpc_later *later)
{
    struct rpc_server *server = later->server;
    DL_DELETE(server->in_hand, later);
    server->n_in_hand--;
    empty(later);
    if (server->n_spare >= RPC_SPARE_MAX) {
        later_free(later);
    } else {
        later->next = server->spare;
        server->spare = later;
        server->n_spare++;
    }
    rpc_server_check_drained(server);
}

static void account(struct rpc_server *server, const struct rpc_later *later, int64_t us)
{
    struct rpc_method_stats *stats = &server->stats[later->method - server->config.methods];
    metric_add(stats->calls, 1);
    metric_observe_us(stats->time, us);
    if (later->status != OK) {
        metric_add(stats->failed, 1);
        metric_add(server->errors[later->status], 1);
    }
}

void rpc_later_answer(struct rpc_later *later, enum err status)
{
    struct rpc_server *server = later->server;
    struct rpc_peer *peer = later->peer;
    later->status = status;
    rpc_send_reply(server, peer, later->head.id, status, buf_str(&later->reply));

    if (later->method != NULL) {
        int64_t us = clock_mono_us() - later->began_us;
        account(server, later, us);
        if (later->method->where != WORKER) /* a worker has logged its own */
            rpc_call_log(&later->call, later->method->where, later->head.method, us, status);
    }
    rpc_later_give(later);
    rpc_peer_answered(server, peer);
}

struct call *rpc_later_call(struct rpc_later *later)
{
    return &later->call;
}

void rpc_later_done(struct rpc_later *later, enum err e, const void *rep)
{
    if (e == OK) e = rpc_call_encode(later->method, &later->call, rep, &later->reply);
    if (later->server == NULL) { /* begun by rpc_server_answer, which settles */
        later->status = e;
        return;
    }
    later->server->n_later--;
    rpc_later_answer(later, rpc_call_settle(&later->call, e, &later->reply));
}

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
    work = mem_zero(sizeof(*work));
    work->arena = arena_create("work", RPC_ARENA_MAX);
    return work;
}

static void work_done(void *arg)
{
    struct rpc_work *work = arg;
    struct rpc_server *server = work->server;
    server->n_works--;
    work->done(work->arg, work->e);
    work_give(server, work);
    rpc_server_check_drained(server);
}

static void work_drop(struct rpc_task *task)
{
    struct rpc_work *work = (struct rpc_work *)task;
    work->e = ERR_SHUTTING_DOWN;
    work_done(work);
}

static void work_run(struct rpc_task *task, struct pg *pg)
{
    struct rpc_work *work = (struct rpc_work *)task;
    if (pg != NULL) pg_set_deadline(pg, clock_mono_us() + WORK_BUDGET_US);
    work->e = work->work(pg, work->arena, work->arg);
    if (pg != NULL && work->e == OK)
        work->e = pg_commit(pg);
    else if (pg != NULL)
        pg_rollback(pg);
    loop_post_run(work->server->post, work_done, work);
}

bool rpc_server_work(struct rpc_server *server, enum err (*work)(struct pg *, struct arena *, void *),
    void (*done)(void *arg, enum err e), void *arg)
{
    assert(server->pool != NULL && "a service with work to do has workers");
    struct rpc_work *w = work_take(server);
    struct rpc_task task = { .run = work_run, .drop = work_drop, .what = STR("(work)") };
    *w = (struct rpc_work){ task, server, w->arena, work, done, arg, OK, NULL };
    if (!rpc_pool_put(server->pool, &w->task)) {
        work_give(server, w);
        return false;
    }
    server->n_works++;
    return true;
}

void rpc_works_free(struct rpc_server *server)
{
    while (server->spare != NULL) {
        struct rpc_later *later = server->spare;
        server->spare = later->next;
        later_free(later);
    }
    while (server->spare_works != NULL) {
        struct rpc_work *work = server->spare_works;
        server->spare_works = work->next;
        work_free(work);
    }
}
