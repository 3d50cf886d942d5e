/* rpc_pool.c - threads and a fair queue; in a pool with a database, a connection each. */
// SPDX-License-Identifier: Apache-2.0
#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/resource.h>

#include "libshared/base/clock.h"
#include "libshared/db/pg.h"
#include "libshared/base/log.h"
#include "libshared/rpc/rpc_pool.h"

struct pool_worker {
    pthread_t thread;
    struct rpc_pool *pool;
    char what[64], trace[64]; /* its present call; under the pool's lock */
    int64_t since_us;         /* 0: idle */
    struct rpc_lane *lane;    /* of its present task */
};

struct rpc_pool {
    pthread_mutex_t lock;
    pthread_cond_t filled;
    struct rpc_queue *queue;
    struct loop_post *post;
    bool stopping;
    struct rpc_pool_config config;
    struct pool_worker workers[];
};

static void note_present(struct pool_worker *worker, const struct rpc_task *task)
{
    snprintf(worker->what, sizeof worker->what, "%.*s", STR_ARG(task->what));
    snprintf(worker->trace, sizeof worker->trace, "%.*s", STR_ARG(task->trace));
    worker->since_us = clock_mono_us();
    worker->lane = task->lane;
}

static void note_done(struct pool_worker *worker)
{
    if (worker->lane != NULL) rpc_queue_done(worker->pool->queue, worker->lane);
    worker->lane = NULL;
    worker->since_us = 0;
}

/* NULL: it's time to leave. */
static struct rpc_task *take_task(struct rpc_pool *pool, struct pool_worker *worker)
{
    struct rpc_task *task = NULL;

    pthread_mutex_lock(&pool->lock);
    note_done(worker);
    while (!pool->stopping && (task = rpc_queue_take(pool->queue)) == NULL)
        pthread_cond_wait(&pool->filled, &pool->lock);
    if (task != NULL) note_present(worker, task);
    pthread_mutex_unlock(&pool->lock);
    return task;
}

static void *run_worker(void *arg)
{
    struct pool_worker *worker = arg;
    struct rpc_pool *pool = worker->pool;
    /* Linux: of this thread alone.  A thread that may not stand back does not. */
    if (pool->config.nice > 0 && setpriority(PRIO_PROCESS, 0, pool->config.nice) != 0)
        LOG(WARN, "rpc.nice_refused", F_TEXT("pool", pool->config.name), F_INT("errno", errno));
    struct pg *pg = pool->config.conninfo != NULL ? pg_create(pool->config.conninfo, pool->config.schema) : NULL;
    for (struct rpc_task *task = take_task(pool, worker); task != NULL; task = take_task(pool, worker))
        task->run(task, pg);
    if (pg != NULL) pg_destroy(&pg);
    return NULL;
}

struct rpc_pool *rpc_pool_create(const struct rpc_pool_config *config, struct loop_post *post)
{
    struct rpc_pool *pool = mem_zero(sizeof *pool + config->threads * sizeof *pool->workers);
    pthread_mutex_init(&pool->lock, NULL);
    pthread_cond_init(&pool->filled, NULL);
    pool->queue = rpc_queue_create(config->threads, config->queue_max);
    pool->post = post;
    pool->config = *config;
    for (unsigned i = 0; i < config->threads; i++) {
        pool->workers[i].pool = pool;
        int rc = pthread_create(&pool->workers[i].thread, NULL, run_worker, &pool->workers[i]);
        assert(rc == 0 && "threads are to be had at the start");
        (void)rc;
    }
    return pool;
}

static void drop_displaced(void *arg)
{
    struct rpc_task *task = arg;

    task->drop(task, ERR_OVERLOADED);
}

bool rpc_pool_put(struct rpc_pool *pool, struct rpc_task *task, struct str subject)
{
    pthread_mutex_lock(&pool->lock);
    struct rpc_task *refused = rpc_queue_put(pool->queue, task, subject);
    if (refused != task) pthread_cond_signal(&pool->filled);
    pthread_mutex_unlock(&pool->lock);
    /* Another's end comes on a later turn: the code that puts a task may be in the middle of something. */
    if (refused != NULL && refused != task) loop_post_run(pool->post, drop_displaced, refused);
    return refused != task;
}

size_t rpc_pool_waiting(struct rpc_pool *pool)
{
    pthread_mutex_lock(&pool->lock);
    size_t waiting = rpc_queue_waiting(pool->queue);
    pthread_mutex_unlock(&pool->lock);
    return waiting;
}

void rpc_pool_print(struct rpc_pool *pool)
{
    int64_t now_us = clock_mono_us();
    pthread_mutex_lock(&pool->lock);
    for (unsigned i = 0; i < pool->config.threads; i++) {
        const struct pool_worker *worker = &pool->workers[i];
        if (worker->since_us == 0)
            LOG(INFO, "rpc.worker_idle", F_TEXT("pool", pool->config.name), F_INT("worker", i));
        else
            LOG(INFO, "rpc.worker_busy", F_TEXT("pool", pool->config.name), F_INT("worker", i),
                F_TEXT("call", worker->what), F_TEXT("trace", worker->trace), F_INT("us", now_us - worker->since_us));
    }
    pthread_mutex_unlock(&pool->lock);
}

void rpc_pool_destroy(struct rpc_pool **pool)
{
    struct rpc_pool *p = *pool;
    if (p == NULL) return;
    pthread_mutex_lock(&p->lock);
    p->stopping = true;
    pthread_cond_broadcast(&p->filled);
    pthread_mutex_unlock(&p->lock);
    for (unsigned i = 0; i < p->config.threads; i++) pthread_join(p->workers[i].thread, NULL);

    for (struct rpc_task *task; (task = rpc_queue_take(p->queue)) != NULL;) {
        rpc_queue_done(p->queue, task->lane);
        task->drop(task, ERR_SHUTTING_DOWN);
    }
    rpc_queue_destroy(&p->queue);
    pthread_cond_destroy(&p->filled);
    pthread_mutex_destroy(&p->lock);
    mem_free(p);
    *pool = NULL;
}
