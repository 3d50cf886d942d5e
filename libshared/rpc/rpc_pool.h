/*
 * rpc_pool.h - threads for what may not run on a loop, bounded and fair.
 *
 *      loop thread                         a thread of the pool                      loop thread
 *      rpc_pool_put --> rpc_queue.h -----> task->run(task, pg) --loop_post_run-----> whatever the task posts
 *                 \--> false, or task->drop(task, ERR_OVERLOADED): it is never run
 *
 * A pool with a database gives each thread a connection; one without is for what computes or blocks: passwords, files.
 * They are two, so that neither waits for the other: a password takes as long as a hundred statements.
 */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/rpc/loop.h"
#include "libshared/rpc/rpc_queue.h"

struct rpc_pool;

struct rpc_pool_config {
    const char *name; /* in the log: "worker", "blocking" */
    unsigned threads;
    size_t queue_max;     /* see rpc_queue.h */
    const char *conninfo; /* NULL: no database */
    const char *schema;
    int nice; /* of its threads: how far they stand back behind the loop's, where there is work for all */
};

/* The texts and the post outlive it. */
struct rpc_pool *rpc_pool_create(const struct rpc_pool_config *config, struct loop_post *post);
/* From the loop; whom the task is for: see rpc_queue.h.  false: the queue has no place for it, and it is the caller's. */
bool rpc_pool_put(struct rpc_pool *pool, struct rpc_task *task, struct str subject) MUST_CHECK;
size_t rpc_pool_waiting(struct rpc_pool *pool);
void rpc_pool_print(struct rpc_pool *pool);
/* Waits for what runs; what is still queued is dropped with ERR_SHUTTING_DOWN. */
void rpc_pool_destroy(struct rpc_pool **pool);
