/* trust_expire.c - what was revoked or ended is forgotten when its last token has ended by itself; a job, once a minute,
 * so that the table is as long as tokens live. */
// SPDX-License-Identifier: Apache-2.0
#include "services/auth/auth.h"

#define ROWS_AT_ONCE 5000

static const char FORGET_OVER[] = "DELETE FROM trust_change WHERE (kind, name) IN (SELECT kind, name FROM trust_change"
                                  " WHERE until < $2 ORDER BY until LIMIT $1)";

enum err trust_expire(struct call *call, const struct job *job, const struct nothing *payload)
{
    int64_t rows;

    TRY(pg_run(call->pg, call->arena, FORGET_OVER, PG_ARGS(pg_int(ROWS_AT_ONCE), pg_time(call->now)), &rows));
    call_note(call, F_INT("rows", rows));
    return rows == ROWS_AT_ONCE ? job_put(call, &trust_expire_job, job->key, payload, 0) : OK;
}
