/* job_remove.c - a job that clears a table, some rows at a time. */
// SPDX-License-Identifier: Apache-2.0
#include <assert.h>

#include "libshared/db/pg.h"
#include "libshared/jobs/jobs.h"

#define ROWS_AT_ONCE 5000 /* within a kind's timeout, and short enough for the workers' other callers */

static struct pg_args behind_bound(const struct pg_args *args)
{
    struct pg_args all = { .at = { pg_int(ROWS_AT_ONCE) }, .n = args->n + 1 };

    assert(args->n < PG_MAX_ARGS);
    for (int i = 0; i < args->n; i++) all.at[i + 1] = args->at[i];
    return all;
}

enum err job_remove_rows(
    struct call *call, const struct job *job, const char *what, const char *sql, const struct pg_args *args)
{
    struct pg_args all = behind_bound(args);
    struct nothing none;
    int64_t rows;

    TRY(pg_run(call->pg, call->arena, sql, &all, &rows));
    call_note(call, F_INT(what, rows));
    if (rows < ROWS_AT_ONCE) return OK;
    assert(job->kind->payload == nothing_shape);
    return job_put(call, job->kind, job->key, &none, 0);
}
