/* single_use_expire.c - secrets whose time is over leave the table; a job, once an hour. */
// SPDX-License-Identifier: Apache-2.0
#include "services/auth/auth.h"

#define ROWS_AT_ONCE 5000

static const char REMOVE_OVER[] =
    "DELETE FROM single_use WHERE hash IN"
    " (SELECT hash FROM single_use WHERE expires_at < now() ORDER BY expires_at LIMIT $1)";

enum err single_use_expire(struct call *call, const struct job *job, const struct nothing *payload)
{
    int64_t rows;

    TRY(pg_run(call->pg, call->arena, REMOVE_OVER, PG_ARGS(pg_int(ROWS_AT_ONCE)), &rows));
    call_note(call, F_INT("rows", rows));
    return rows == ROWS_AT_ONCE ? job_put(call, &single_use_expire_job, job->key, payload, 0) : OK;
}
