/* rpc_pool.c - the worker threads: a bounded queue, and a database connection each. */
// SPDX-License-Identifier: Apache-2.0
#include <assert.h>
#include <pthread.h>
#include <stdio.h>

#include "libshared/base/clock.h"
#include "libshared/db/pg.h"
#include "libshared/rpc/rpc_inside.h"

struct worker {
    pthread_t thread;
    struct rpc_pool *pool;
    char what[64], trace[64]; /* its present call; under the pool's lock */
    int64_t since_us;         /* 0: idle */
};

struct rpc_pool {
    pthread_mutex_t lock;
    pthread_cond_t filled;
    struct rpc_task *first, **last;
    size_t waiting, queue_max;
    bool stopping;
    const char *conninfo, *schema;
    unsigned n;
    struct worker workers[];
};

static void note_present(struct worker *worker, const struct rpc_task *task)
{
    snprintf(worker->what, sizeof(worker->what), "%.*s", STR_ARG(task->what));
    snprintf(worker->trace, sizeof(worker->trace), "%.*s", STR_ARG(task->trace));
    worker->since_us = clock_mono_us();
}

/* NULL: it's time to leave. */
static struct rpc_task *take(struct rpc_pool *pool, struct worker *worker)
{
    pthread_mutex_lock(&pool->lock);
    worker->since_us = 0;
    while (pool->first == NULL && !pool->stopping) pthread_cond_wait(&pool->filled, &pool->lock);

    struct rpc_task *task = pool->stopping ? NULL : pool->first;
    if (task != NULL) {
        pool->first = task->next;
        if (pool->first == NULL) pool->last = &pool->first;
        pool->waiting--;
        note_present(worker, task);
    }
    pthread_mutex_unlock(&pool->lock);
    return task;
}

static void *work(void *arg)
{
    struct worker *worker = arg;
    struct rpc_pool *pool = worker->pool;
    struct pg *pg = pool->conninfo != NULL ? pg_create(pool->conninfo, pool->schema) : NULL;
    for (struct rpc_task *task = take(pool, worker); task != NULL; task = take(pool, worker)) task->run(task, pg);
    if (pg != NULL) pg_destroy(&pg);
    return NULL;
}

struct rpc_pool *rpc_pool_create(const struct rpc_server_config *config)
{
    struct rpc_pool *pool = mem_zero(sizeof(*pool) + config->workers * sizeof(*pool->workers));
    pthread_mutex_init(&pool->lock, NULL);
    pthread_cond_init(&pool->filled, NULL);
    pool->last = &pool->first;
    pool->queue_max = config->queue_max;
    pool->conninfo = config->pg_conninfo;
    pool->schema = config->service;
    pool->n = config->workers;
    for (unsigned i = 0; i < pool->n; i++) {
        pool->workers[i].pool = pool;
        int rc = pthread_create(&pool->workers[i].thread, NULL, work, &pool->workers[i]);
        assert(rc == 0 && "threads are to be had at the start");
        (void)rc;
    }
    return pool;
}

bool rpc_pool_put(struct rpc_pool *pool, struct rpc_task *task)
{
    pthread_mutex_lock(&pool->lock);
    bool room = pool->waiting < pool->queue_max;
    if (room) {
        task->next = NULL;
        *pool->last = task;
        pool->last = &task->next;
        pool->waiting++;
        pthread_cond_signal(&pool->filled);
    }
    pthread_mutex_unlock(&pool->lock);
    return room;
}

size_t rpc_pool_waiting(struct rpc_pool *pool)
{
    pthread_mutex_lock(&pool->lock);
    size_t waiting = pool->waiting;
    pthread_mutex_unlock(&pool->lock);
    return waiting;
}

void rpc_pool_print(struct rpc_pool *pool)
{
    int64_t now_us = clock_mono_us();
    pthread_mutex_lock(&pool->lock);
    for (unsigned i = 0; i < pool->n; i++) {
        const struct worker *worker = &pool->workers[i];
        if (worker->since_us == 0)
            LOG(INFO, "rpc.worker_idle", F_INT("worker", i));
        else
            LOG(INFO, "rpc.worker_busy", F_INT("worker", i), F_TEXT("call", worker->what),
                F_TEXT("trace", worker->trace), F_INT("us", now_us - worker->since_us));
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
    for (unsigned i = 0; i < p->n; i++) pthread_join(p->workers[i].thread, NULL);

    for (struct rpc_task *task = p->first, *next; task != NULL; task = next) {
        next = task->next;
        task->drop(task);
    }
    pthread_cond_destroy(&p->filled);
    pthread_mutex_destroy(&p->lock);
    mem_free(p);
    *pool = NULL;
}
