/* token_log_expire.c - the token log keeps what is younger than the setting says; a job, once an hour. */
// SPDX-License-Identifier: Apache-2.0
#include "services/auth/auth.h"

#define ROWS_AT_ONCE 5000 /* within the kind's timeout, and short enough for the workers' other callers */

/* The oldest have the smallest numbers, or nearly so.  The database's clock, which its trigger asks, too. */
static const char REMOVE_OLD_LINES[] = "DELETE FROM token_log WHERE n IN (SELECT n FROM token_log ORDER BY n LIMIT $1)"
                                       " AND at < now() - $2::bigint * interval '1 day'";

enum err token_log_expire(struct call *call, const struct job *job, const struct nothing *payload)
{
    int64_t rows;

    TRY(pg_run(call->pg, call->arena, REMOVE_OLD_LINES,
        PG_ARGS(pg_int(ROWS_AT_ONCE), pg_int(auth_settings(call)->token_log_days)), &rows));
    call_note(call, F_INT("rows", rows));
    return rows == ROWS_AT_ONCE ? job_put(call, &token_log_expire_job, job->key, payload, 0) : OK;
}
