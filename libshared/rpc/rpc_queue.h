/*
 * rpc_queue.h - what waits for the workers, fair to each subject.  Not locked: rpc_pool does that.
 *
 *      put --> lane "ada"   t t t t t      take: the lanes that wait stand in a ring, and each gives one task in turn
 *              lane "bo"    t
 *              services     t t            whatever has no subject: every second turn, while it waits
 *
 * A lane whose tasks occupy its share of the workers, half of them, begins no more while another lane waits.  Within a
 * lane the order is that of the puts.  Each step takes the same time, however many wait.
 */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/base/err.h"
#include "libshared/base/str.h"

struct pg;
struct rpc_lane;
struct rpc_queue;

/* Something for a worker. */
struct rpc_task {
    struct rpc_task *prev, *next;
    struct rpc_lane *lane; /* the queue's own, from put to done */
    void (*run)(struct rpc_task *task, struct pg *pg);
    void (*drop)(struct rpc_task *task, enum err why); /* on the loop: it was never begun, and never will be */
    struct str what, trace;                            /* for SIGUSR1 */
};

/* At most `max` tasks of subjects wait, a quarter of them of one subject, and as many again without a subject. */
struct rpc_queue *rpc_queue_create(unsigned workers, size_t max);
void rpc_queue_destroy(struct rpc_queue **queue); /* nothing waits any more */

/* What has no place, for the caller to refuse; NULL: nothing.  It is the task itself where its subject has enough
 * waiting.  Where the queue is full, it is the newest task of the subject that has most. */
struct rpc_task *rpc_queue_put(struct rpc_queue *queue, struct rpc_task *task, struct str subject) MUST_CHECK;
struct rpc_task *rpc_queue_take(struct rpc_queue *queue);            /* NULL: nothing waits */
void rpc_queue_done(struct rpc_queue *queue, struct rpc_lane *lane); /* of a task that was taken */
size_t rpc_queue_waiting(const struct rpc_queue *queue);
void rpc_queue_check(const struct rpc_queue *queue); /* see invariant.h */
