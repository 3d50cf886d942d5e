/* hashing.c - passwords of links, on threads of their own: those that wait, in their order. */
// SPDX-License-Identifier: Apache-2.0
#include "services/share/links/hashing.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include <utlist.h>

#include "libshared/base/arena.h"
#include "libshared/base/clock.h"
#include "libshared/base/container_of.h"
#include "libshared/base/network.h"
#include "libshared/base/secret.h"
#include "libshared/base/table.h"
#include "libshared/rpc/rpc_pool.h"

#define NICE       4 /* a flood of passwords gets what is left over */
#define LANE_BYTES 132

/* An owner of many networks has them side by side: /16, of IPv6 /48. */
#define WIDE_BYTES      6
#define WIDE_BYTES_IPV4 14
#define CROWDS_MAX      4096
#define CROWDS_US       INT64_C(600000000)

/* So many comparisons there were of a wide network, since all were forgotten. */
struct crowd {
    UT_hash_handle hh;
    struct in6_addr at;
    int64_t n;
};

struct hashing {
    struct hashing_config config;
    struct loop_post *post;
    struct rpc_pool *pool;              /* has no more than its threads work at */
    struct hashing_task *waits, *works; /* in their order: comes_before() */
    struct crowd *crowds;
    int64_t crowds_since_us;
    size_t n_waiting, n_working;
    bool ending;
};

/* All that its thread needs is in it: the call may be over, with its server, before the thread is. */
struct hashing_task {
    struct rpc_task task;
    struct hashing *hashing;
    struct password password;
    char hash[PASSWORD_HASH_CHARS + 1];
    bool compares, fits;
    int64_t deadline_us, rank, crowd;
    char lane[LANE_BYTES]; /* whose it is */
    size_t lane_len;
    enum err e;
    hashing_done_fn *done;
    void *arg;
    struct hashing_task *prev, *next;
};

static void begin_next(struct hashing *hashing);

/* It is in no list any more. */
static void finish(struct hashing_task *task)
{
    password_forget(&task->password);
    if (!task->hashing->ending) task->done(task->arg, task->e, str_of(task->hash), task->fits);
    mem_free(task);
}

static void end_task(void *arg)
{
    struct hashing_task *task = arg;
    struct hashing *hashing = task->hashing;

    DL_DELETE(hashing->works, task);
    hashing->n_working--;
    finish(task);
    begin_next(hashing);
}

static void run_task(struct rpc_task *rpc_task, struct pg *pg)
{
    struct hashing_task *task = CONTAINER_OF(rpc_task, struct hashing_task, task);
    struct password_rule rule = task->hashing->config.rule;

    (void)pg;
    if (task->compares)
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

/* --- its turn --- */

static void leave_queue(struct hashing *hashing, struct hashing_task *task)
{
    DL_DELETE(hashing->waits, task);
    hashing->n_waiting--;
}

static void refuse(struct hashing_task *task, enum err why)
{
    task->e = why;
    finish(task);
}

static void begin_next(struct hashing *hashing)
{
    while (!hashing->ending && hashing->waits != NULL && hashing->n_working < hashing->config.threads) {
        struct hashing_task *task = hashing->waits;
        leave_queue(hashing, task);
        if (clock_mono_us() > task->deadline_us) {
            refuse(task, ERR_DEADLINE);
            continue;
        }
        DL_APPEND(hashing->works, task);
        hashing->n_working++;
        bool has_place = rpc_pool_put(hashing->pool, &task->task, STR_NONE);
        assert(has_place); /* as many as there are threads */
    }
}

static size_t count_lane(const struct hashing_task *list, struct str lane)
{
    const struct hashing_task *task;
    size_t n = 0;

    DL_FOREACH(list, task)
        if (str_eq(lane, (struct str){ task->lane, task->lane_len })) n++;
    return n;
}

/* Who has tried less; then whose wide network has; then who came first. */
static bool comes_before(const struct hashing_task *a, const struct hashing_task *b)
{
    return a->rank != b->rank ? a->rank < b->rank : a->crowd < b->crowd;
}

static void forget_crowds(struct hashing *hashing)
{
    struct crowd *crowd, *next;

    HASH_ITER(hh, hashing->crowds, crowd, next) {
        HASH_DEL(hashing->crowds, crowd);
        mem_free(crowd);
    }
    hashing->crowds_since_us = clock_mono_us();
}

/* How many of its wide network there were before it; what is no address is alone. */
static int64_t join_crowd(struct hashing *hashing, struct str address)
{
    struct in6_addr at;
    struct crowd *crowd;

    if (!address_parse(address, &at)) return 0;
    size_t wide = IN6_IS_ADDR_V4MAPPED(&at) ? WIDE_BYTES_IPV4 : WIDE_BYTES;
    memset(at.s6_addr + wide, 0, sizeof at.s6_addr - wide);
    if (HASH_COUNT(hashing->crowds) >= CROWDS_MAX || clock_mono_us() - hashing->crowds_since_us > CROWDS_US)
        forget_crowds(hashing);
    HASH_FIND(hh, hashing->crowds, &at, sizeof at, crowd);
    if (crowd == NULL) {
        crowd = mem_zero(sizeof *crowd);
        crowd->at = at;
        HASH_ADD(hh, hashing->crowds, at, sizeof crowd->at, crowd);
    }
    return crowd->n++;
}

static void enter_queue(struct hashing *hashing, struct hashing_task *task)
{
    struct hashing_task *behind = hashing->waits;

    while (behind != NULL && !comes_before(task, behind)) behind = behind->next;
    if (behind == NULL)
        DL_APPEND(hashing->waits, task);
    else
        DL_PREPEND_ELEM(hashing->waits, behind, task);
    hashing->n_waiting++;
}

/* Who would come last gives way: another, or the task itself. */
static void put_task(struct hashing *hashing, struct hashing_task *task, int64_t tries)
{
    struct str lane = { task->lane, task->lane_len };
    size_t waiting = count_lane(hashing->waits, lane);
    struct hashing_task *last = hashing->waits != NULL ? hashing->waits->prev : NULL;

    task->rank = tries + (int64_t)(waiting + count_lane(hashing->works, lane));
    bool is_full = hashing->n_waiting >= hashing->config.queue_max;
    if (waiting >= hashing->config.queue_max / 4 || (is_full && !comes_before(task, last))) {
        refuse(task, ERR_OVERLOADED);
        return;
    }
    enter_queue(hashing, task);
    if (is_full) {
        leave_queue(hashing, last);
        refuse(last, ERR_OVERLOADED);
    }
    begin_next(hashing);
}

/* --- what is put --- */

static struct hashing_task *make_task(
    struct hashing *hashing, const struct call *call, const struct password *password, hashing_done_fn *done, void *arg)
{
    struct hashing_task *task = mem_zero(sizeof *task);
    struct str lane = rpc_call_lane(call);

    task->task = (struct rpc_task){ .run = run_task, .drop = drop_task, .what = STR("password") };
    task->hashing = hashing;
    task->password = *password;
    task->deadline_us = call->deadline_us;
    task->lane_len = lane.len < sizeof task->lane ? lane.len : sizeof task->lane;
    memcpy(task->lane, lane.at, task->lane_len);
    task->done = done;
    task->arg = arg;
    return task;
}

void hashing_make(
    struct hashing *hashing, const struct call *call, const struct password *password, hashing_done_fn *done, void *arg)
{
    put_task(hashing, make_task(hashing, call, password, done, arg), 0);
}

void hashing_compare(struct hashing *hashing, const struct call *call, const struct password *password, struct str hash,
    int64_t tries, hashing_done_fn *done, void *arg)
{
    struct hashing_task *task = make_task(hashing, call, password, done, arg);

    task->compares = true;
    task->crowd = join_crowd(hashing, call->who->address);
    snprintf(task->hash, sizeof task->hash, "%.*s", STR_ARG(hash));
    put_task(hashing, task, tries);
}

struct hashing *hashing_create(struct ev_loop *loop, const struct hashing_config *config)
{
    struct hashing *hashing = mem_zero(sizeof *hashing);

    hashing->config = *config;
    hashing->post = loop_post_create(loop);
    hashing->pool = rpc_pool_create(
        &(struct rpc_pool_config){
            .name = "password", .threads = config->threads, .queue_max = config->threads, .nice = NICE },
        hashing->post);
    return hashing;
}

void hashing_destroy(struct hashing **hashing)
{
    struct hashing *h = *hashing;
    struct hashing_task *task, *next;

    if (h == NULL) return;
    h->ending = true; /* the server is gone, and with it who waits */
    rpc_pool_destroy(&h->pool);
    loop_post_destroy(&h->post);
    DL_FOREACH_SAFE(h->waits, task, next) refuse(task, ERR_SHUTTING_DOWN);
    forget_crowds(h);
    mem_free(h);
    *hashing = NULL;
}
