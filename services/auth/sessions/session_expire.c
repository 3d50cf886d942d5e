/* session_expire.c - sessions that were not refreshed in their time are forgotten; a job, once an hour. */
// SPDX-License-Identifier: Apache-2.0
#include "services/auth/sessions/sessions.h"

/* Their access tokens ended by themselves long ago. */
static const char FORGET_EXPIRED[] =
    "DELETE FROM session WHERE id IN (SELECT id FROM session WHERE expires_at < $2 ORDER BY expires_at LIMIT $1)";

enum err session_expire(struct call *call, const struct job *job, const struct nothing *payload)
{
    (void)payload;
    return job_remove_rows(call, job, "rows", FORGET_EXPIRED, PG_ARGS(pg_time(call->now)));
}
