/* mail_expire.c - how many mails there were is forgotten when its hour is over; a job, once an hour. */
// SPDX-License-Identifier: Apache-2.0
#include "services/auth/auth.h"

#define ROWS_AT_ONCE 5000

static const char FORGET_HOURS[] =
    "DELETE FROM mail_count WHERE (budget, whose) IN (SELECT budget, whose FROM mail_count"
    " WHERE hour < date_trunc('hour', now()) LIMIT $1)";

enum err mail_expire(struct call *call, const struct job *job, const struct nothing *payload)
{
    int64_t rows;

    TRY(pg_run(call->pg, call->arena, FORGET_HOURS, PG_ARGS(pg_int(ROWS_AT_ONCE)), &rows));
    call_note(call, F_INT("rows", rows));
    return rows == ROWS_AT_ONCE ? job_put(call, &mail_expire_job, job->key, payload, 0) : OK;
}
