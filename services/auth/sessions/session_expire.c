/* session_expire.c - sessions that were not refreshed in their time are forgotten; a job, once an hour. */
// SPDX-License-Identifier: Apache-2.0
#include "services/auth/sessions/sessions.h"

#define ROWS_AT_ONCE 5000

/* Their access tokens ended by themselves long ago. */
static const char FORGET_EXPIRED[] =
    "DELETE FROM session WHERE id IN (SELECT id FROM session WHERE expires_at < $2 ORDER BY expires_at LIMIT $1)";

enum err session_expire(struct call *call, const struct job *job, const struct nothing *payload)
{
    int64_t rows;

    TRY(pg_run(call->pg, call->arena, FORGET_EXPIRED, PG_ARGS(pg_int(ROWS_AT_ONCE), pg_time(call->now)), &rows));
    call_note(call, F_INT("rows", rows));
    return rows == ROWS_AT_ONCE ? job_put(call, &session_expire_job, job->key, payload, 0) : OK;
}
