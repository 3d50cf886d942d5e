/* trust_expire.c - what was revoked or ended is forgotten when its last token has ended by itself; a job, once a minute,
 * so that the table is as long as tokens live. */
// SPDX-License-Identifier: Apache-2.0
#include "services/auth/auth.h"

static const char FORGET_OVER[] = "DELETE FROM trust_change WHERE (kind, name) IN (SELECT kind, name FROM trust_change"
                                  " WHERE until < $2 ORDER BY until LIMIT $1)";

enum err trust_expire(struct call *call, const struct job *job, const struct nothing *payload)
{
    (void)payload;
    return job_remove_rows(call, job, "rows", FORGET_OVER, PG_ARGS(pg_time(call->now)));
}
