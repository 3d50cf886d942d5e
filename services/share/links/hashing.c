/* hashing.c - passwords of links, on threads of their own. */
// SPDX-License-Identifier: Apache-2.0
#include "services/share/links/hashing.h"

#include <stdio.h>

#include "libshared/base/arena.h"
#include "libshared/base/clock.h"
#include "libshared/base/container_of.h"
#include "libshared/base/secret.h"
#include "libshared/rpc/rpc_pool.h"

#define NICE 4 /* a flood of passwords gets what is left over */

struct hashing {
    struct hashing_config config;
    struct loop_post *post;
    struct rpc_pool *pool;
    bool ending;
};

/* All that its thread needs is in it: the call may be over, with its server, before the thread is. */
struct hashing_task {
    struct rpc_task task;
    struct hashing *hashing;
    struct password password;
    char hash[PASSWORD_HASH_CHARS + 1];
    bool compares, fits;
    int64_t deadline_us;
    enum err e;
    hashing_done_fn *done;
    void *arg;
};

static void end_task(void *arg)
{
    struct hashing_task *task = arg;

    password_forget(&task->password);
    if (!task->hashing->ending) task->done(task->arg, task->e, str_of(task->hash), task->fits);
    mem_free(task);
}

static void run_task(struct rpc_task *rpc_task, struct pg *pg)
{
    struct hashing_task *task = CONTAINER_OF(rpc_task, struct hashing_task, task);
    struct password_rule rule = task->hashing->config.rule;

    (void)pg;
    if (clock_mono_us() > task->deadline_us)
        task->e = ERR_DEADLINE;
    else if (task->compares)
        task->fits = password_fits(rule, &task->password, str_of(task->hash), true);
    else if (!password_hash(rule, &task->password, task->hash))
        task->e = ERR_INTERNAL;
    loop_post_run(task->hashing->post, end_task, task);
}

static void drop_task(struct rpc_task *rpc_task, enum err why)
{
    struct hashing_task *task = CONTAINER_OF(rpc_task, struct hashing_task, task);

    task->e = why;
    end_task(task);
}

/* hash: to compare with; none: it is to be made. */
static void put_task(struct hashing *hashing, const struct call *call, const struct password *password, struct str hash,
    hashing_done_fn *done, void *arg)
{
    struct hashing_task *task = mem_zero(sizeof *task);

    task->task = (struct rpc_task){ .run = run_task, .drop = drop_task, .what = STR("password") };
    task->hashing = hashing;
    task->password = *password;
    task->compares = hash.len > 0;
    if (task->compares) snprintf(task->hash, sizeof task->hash, "%.*s", STR_ARG(hash));
    task->deadline_us = call->deadline_us;
    task->done = done;
    task->arg = arg;
    if (!rpc_pool_put(hashing->pool, &task->task, rpc_call_lane(call))) drop_task(&task->task, ERR_OVERLOADED);
}

void hashing_make(
    struct hashing *hashing, const struct call *call, const struct password *password, hashing_done_fn *done, void *arg)
{
    put_task(hashing, call, password, STR_NONE, done, arg);
}

void hashing_compare(struct hashing *hashing, const struct call *call, const struct password *password, struct str hash,
    hashing_done_fn *done, void *arg)
{
    put_task(hashing, call, password, hash, done, arg);
}

struct hashing *hashing_create(struct ev_loop *loop, const struct hashing_config *config)
{
    struct hashing *hashing = mem_zero(sizeof *hashing);

    hashing->config = *config;
    hashing->post = loop_post_create(loop);
    hashing->pool = rpc_pool_create(
        &(struct rpc_pool_config){
            .name = "password", .threads = config->threads, .queue_max = config->queue_max, .nice = NICE },
        hashing->post);
    return hashing;
}

void hashing_destroy(struct hashing **hashing)
{
    struct hashing *h = *hashing;

    if (h == NULL) return;
    h->ending = true; /* the server is gone, and with it who waits */
    rpc_pool_destroy(&h->pool);
    loop_post_destroy(&h->post);
    mem_free(h);
    *hashing = NULL;
}
