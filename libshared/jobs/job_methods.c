/* job_methods.c - what an operator asks about the jobs of a service: which there are, once more, no more. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/db/pg.h"
#include "libshared/jobs/jobs.h"

#define LIST_MAX 1000 /* proto/common.def: job_page.jobs */

#define ENTRY                                                                                                          \
    "id, kind, key, subject, put_at, run_at, attempts, last_error, dead_at, CASE WHEN dead_at IS NOT NULL THEN 'dead'" \
    " WHEN lease IS NOT NULL AND run_at > now() THEN 'running' ELSE 'waiting' END AS state"

static const char JOBS[] = "SELECT * FROM (SELECT " ENTRY " FROM job WHERE kind = $1 OR $1 IS NULL) listed"
                           " WHERE state = $2 OR $2 IS NULL ORDER BY coalesce(dead_at, run_at), id LIMIT $3";

static bool is_state(struct str state)
{
    return str_is(state, "waiting") || str_is(state, "running") || str_is(state, "dead");
}

enum err job_list(struct call *call, const struct job_query *req, struct job_page *rep)
{
    if (req->state.len > 0 && !is_state(req->state))
        return call_fail(call, ERR_INVALID_ARGUMENT, "state: is waiting, running or dead");
    return pg_all(call->pg, call->arena, job_entry_shape(), &rep->jobs, LIST_MAX, JOBS,
        PG_ARGS(pg_text(req->kind), pg_text(req->state), pg_int(req->limit)));
}

static const char LOCK_JOB[] = "SELECT " ENTRY " FROM job WHERE id = $1 FOR UPDATE";

/* The job, which stands still until the commit. */
static enum err lock_job(struct call *call, struct id id, struct job_entry *out)
{
    enum err e = pg_one(call->pg, call->arena, job_entry_shape(), out, LOCK_JOB, PG_ARGS(pg_id(id)));

    if (e == ERR_NOT_FOUND) return call_fail(call, e, "there is no such job");
    TRY(e);
    call_note(call, F_STR("kind", out->kind));
    call_note(call, F_STR("key", out->key));
    if (str_is(out->state, "running")) return call_fail(call, ERR_CONFLICT, "it runs just now");
    return OK;
}

static const char RETRY_JOB[] =
    "WITH retried AS (UPDATE job SET run_at = now(), attempts = 0, lease = NULL, dead_at = NULL WHERE id = $1"
    " RETURNING " ENTRY "), told AS (SELECT pg_notify(current_schema() || '_jobs', ''))"
    " SELECT retried.* FROM retried, told";

enum err job_retry(struct call *call, const struct job_ref *req, struct job_entry *rep)
{
    TRY(lock_job(call, req->job, rep));
    return pg_one(call->pg, call->arena, job_entry_shape(), rep, RETRY_JOB, PG_ARGS(pg_id(req->job)));
}

static const char DROP_JOB[] = "DELETE FROM job WHERE id = $1";

enum err job_drop(struct call *call, const struct job_ref *req, struct nothing *rep)
{
    struct job_entry entry;

    (void)rep;
    TRY(lock_job(call, req->job, &entry));
    return pg_run(call->pg, call->arena, DROP_JOB, PG_ARGS(pg_id(req->job)), NULL);
}
