/* budget_expire.c - failures that are forgotten, and devices and networks that were not seen for long; a job, once an hour. */
// SPDX-License-Identifier: Apache-2.0
#include "services/auth/auth.h"

static const char FORGET_OLD[] =
    "DELETE FROM budget WHERE (account, scope) IN (SELECT account, scope FROM budget WHERE changed_at < "
    "$2::timestamptz -"
    " CASE WHEN scope LIKE 'device:%' THEN interval '400 days' WHEN good_at > $2::timestamptz - interval '90 days'"
    " THEN interval '90 days' ELSE interval '2 days' END AND next_at < $2 ORDER BY changed_at LIMIT $1)";

enum err budget_expire(struct call *call, const struct job *job, const struct nothing *payload)
{
    (void)payload;
    return job_remove_rows(call, job, "rows", FORGET_OLD, PG_ARGS(pg_time(call->now)));
}
