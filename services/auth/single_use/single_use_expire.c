/* single_use_expire.c - secrets whose time is over leave the table; a job, once an hour. */
// SPDX-License-Identifier: Apache-2.0
#include "services/auth/auth.h"

static const char REMOVE_OVER[] =
    "DELETE FROM single_use WHERE hash IN"
    " (SELECT hash FROM single_use WHERE expires_at < now() ORDER BY expires_at LIMIT $1)";

enum err single_use_expire(struct call *call, const struct job *job, const struct nothing *payload)
{
    (void)payload;
    return job_remove_rows(call, job, "rows", REMOVE_OVER, PG_NO_ARGS);
}
