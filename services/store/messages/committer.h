/*
 * committer.h - group commit: one commit for all that waits, and another one beside it if it is slow.
 *
 *      loop thread                    a worker's thread                        PostgreSQL
 *      put a                          (asleep)
 *          \--> [a] ----------------> takes a: batch 1 --FRESH------------------>
 *      put b, put c --> [b c]         waits for the one answer                  one round trip,
 *      put d        --> [b c d]       <--------------------------------------- one commit
 *      done(a) <---- post ----------- takes b, c, d: batch 2 --...
 *
 * One batch at a time, as large as it can be, is cheapest, and the slower a commit, the larger the next batch.  While one takes
 * longer than 20 ms, or a full batch waits besides, another worker takes what waits, but for the rooms that are under way: a room
 * is in one batch at a time, so its order is the order of the puts.  So a statement that hangs holds up the rooms that are in it,
 * and as many may hang as there are workers but one.
 * Where the last batch was shared the next one waits gather_us for company; a lone message waits for nobody.
 * A batch that the database refuses is repeated one message at a time, so that only the culprit fails.
 */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/rpc/rpc_server.h"
#include "services/store/messages/batch.h"

struct committer;
struct ev_loop;

struct committer_config {
    const char *conninfo;
    size_t committers; /* batches under way at a time, at most; each has a connection, from when it is first needed */
    size_t open_max;   /* what the caller bounds all that are not done by; rooms under way have a half of it at most */
    size_t batch_max;
    int64_t gather_us;
    struct batch_limits limits;
};

/* done(arg, first): on the loop, with the appends of one batch, each settled: of a room in the order in which they were put. */
struct committer *committer_create(struct ev_loop *loop, const struct committer_config *config,
    void (*done)(void *arg, struct append *first), void *arg);
/* Waits for the commits that run.  What waits behind it is not stored, and `done` is not called any more. */
void committer_destroy(struct committer **committer);

/* The append and all it refers to must live until it is done.  The caller bounds how many there are.  false: too many wait behind
 * commits that are under way, and this is one of those. */
bool committer_put(struct committer *committer, struct append *append) MUST_CHECK;
bool committer_is_up(struct committer *committer); /* did the last attempt reach the database? */
