/* token_log_expire.c - the token log keeps what is younger than the setting says; a job, once an hour. */
// SPDX-License-Identifier: Apache-2.0
#include "services/auth/auth.h"

/* The oldest have the smallest numbers, or nearly so.  The database's clock, which its trigger asks, too. */
static const char REMOVE_OLD_LINES[] = "DELETE FROM token_log WHERE n IN (SELECT n FROM token_log ORDER BY n LIMIT $1)"
                                       " AND at < now() - $2::bigint * interval '1 day'";

enum err token_log_expire(struct call *call, const struct job *job, const struct nothing *payload)
{
    (void)payload;
    return job_remove_rows(call, job, "rows", REMOVE_OLD_LINES, PG_ARGS(pg_int(auth_settings(call)->token_log_days)));
}
