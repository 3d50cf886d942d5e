/* budget_expire.c - failures that are forgotten, and devices and networks that were not seen for long; a job, once an hour. */
// SPDX-License-Identifier: Apache-2.0
#include "services/auth/auth.h"

#define ROWS_AT_ONCE 5000

static const char FORGET_OLD[] =
    "DELETE FROM budget WHERE (account, scope) IN (SELECT account, scope FROM budget WHERE changed_at < "
    "$2::timestamptz -"
    " CASE WHEN scope LIKE 'device:%' THEN interval '400 days' WHEN good_at > $2::timestamptz - interval '90 days'"
    " THEN interval '90 days' ELSE interval '2 days' END AND next_at < $2 ORDER BY changed_at LIMIT $1)";

enum err budget_expire(struct call *call, const struct job *job, const struct nothing *payload)
{
    int64_t rows;

    TRY(pg_run(call->pg, call->arena, FORGET_OLD, PG_ARGS(pg_int(ROWS_AT_ONCE), pg_time(call->now)), &rows));
    call_note(call, F_INT("rows", rows));
    return rows == ROWS_AT_ONCE ? job_put(call, &budget_expire_job, job->key, payload, 0) : OK;
}
