/*
 * committer.h - group commit: one thread, one connection, one commit for all that waits.
 *
 *      loop thread                    committer thread                         PostgreSQL
 *      put a                          (asleep)
 *          \--> [a] ----------------> takes a: batch 1 --BEGIN heads append COMMIT-->
 *      put b, put c --> [b c]         waits for the one answer                  one round trip,
 *      put d        --> [b c d]       <--------------------------------------- one commit
 *      done(a) <---- post ----------- takes b, c, d: batch 2 --...
 *
 * The slower a commit, the larger the next batch.  Where the last batch was shared the next one waits gather_us for
 * company; a lone message waits for nobody.
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
    size_t batch_max;
    int64_t gather_us;
    int64_t statement_ms; /* how long one statement of a batch may take */
};

/* done(arg, first): on the loop, with the appends of one batch in the order in which they were put, each settled. */
struct committer *committer_create(struct ev_loop *loop, const struct committer_config *config,
    void (*done)(void *arg, struct append *first), void *arg);
/* Waits for the commit that runs.  What waits behind it is not stored, and `done` is not called any more. */
void committer_destroy(struct committer **committer);

/* The append and all it refers to must live until it is done.  The caller bounds how many there are. */
void committer_put(struct committer *committer, struct append *append);
bool committer_is_up(struct committer *committer); /* did the last attempt reach the database? */
