/*
 * erasure.c - what a service has of a user who was erased goes, some rows at a time, and auth is told.
 *
 *      job --> step, on a worker: rows go, counts and the next job are put --> after, on the loop --> job --> ...
 *      job whose erasure is whole --> erasure.report, auth --> the job is done
 *
 * A step's rows, its counts and what comes next are one transaction, so a process that dies in the middle counts nothing twice.
 */
// SPDX-License-Identifier: Apache-2.0
#include <assert.h>

#include "libshared/db/pg.h"
#include "libshared/directory/directory_private.h"
#include "libshared/rpc/rpc_client.h"

#define REPORT_BYTES 4096 /* an erasure, by the bounds of its fields */

struct erasing {
    struct directory *directory;
    struct call *call;
    const struct job *job;
    struct job_run *run;
    struct erasure erasure;
    void *left; /* by the step, for `after` */
};

void erasure_add(struct call *call, struct erasure *erasure, const char *what, int64_t rows)
{
    struct erasure_count *counts = erasure->counts.at;
    size_t n = erasure->counts.len, i = 0;

    if (rows == 0) return;
    while (i < n && !str_is(counts[i].what, what)) i++;
    if (i == n) {
        counts = arena_alloc(call->arena, (n + 1) * sizeof *counts);
        for (size_t k = 0; k < n; k++) counts[k] = erasure->counts.at[k];
        counts[n] = (struct erasure_count){ str_of(what), 0 };
        erasure->counts = (struct erasure_count_list){ counts, n + 1 };
    }
    counts[i].rows += rows;
}

/* On a worker, which has the job's arena until the step is over. */
static enum err do_step(struct pg *pg, struct arena *arena, void *arg)
{
    struct erasing *e = arg;
    const struct directory_config *config = &e->directory->config;
    struct call call = *e->call;

    (void)arena;
    call.pg = pg;
    TRY(config->step(&call, &e->erasure, &e->left));
    return job_put(&call, config->erase, e->job->key, &e->erasure, 0);
}

static void on_step(void *arg, enum err status)
{
    struct erasing *e = arg;
    const struct directory_config *config = &e->directory->config;

    if (status == OK && e->left != NULL && config->after != NULL) config->after(config->context, e->left);
    job_done(e->run, status);
}

static void on_reported(void *arg, enum err status, struct str body)
{
    (void)body;
    job_done(((struct erasing *)arg)->run, status);
}

static void report_erasure(struct erasing *e)
{
    struct buf body = BUF(REPORT_BYTES);
    enum err status = wire_encode(erasure_shape(), &e->erasure, &body);

    assert(status == OK); /* it came by the same record */
    rpc_client_call(e->directory->auth,
        &(struct rpc_request){
            .method = "erasure.report", .safe = true, .trace = e->call->trace, .body = buf_str(&body) },
        on_reported, e);
    buf_free(&body);
}

void directory_erase(struct directory *directory, struct call *call, const struct job *job,
    const struct erasure *payload, struct job_run *run)
{
    struct erasing *e = arena_zero(call->arena, sizeof *e);

    *e = (struct erasing){ directory, call, job, run, *payload, NULL };
    if (payload->erased_at > 0)
        report_erasure(e);
    else if (!rpc_server_work(directory->server, STR_NONE, do_step, on_step, e))
        job_done(run, ERR_OVERLOADED);
}
