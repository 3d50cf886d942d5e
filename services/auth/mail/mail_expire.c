/* mail_expire.c - how many mails there were is forgotten when its hour is over; a job, once an hour. */
// SPDX-License-Identifier: Apache-2.0
#include "services/auth/auth.h"

static const char FORGET_HOURS[] =
    "DELETE FROM mail_count WHERE (budget, whose) IN (SELECT budget, whose FROM mail_count"
    " WHERE hour < date_trunc('hour', now()) LIMIT $1)";

enum err mail_expire(struct call *call, const struct job *job, const struct nothing *payload)
{
    (void)payload;
    return job_remove_rows(call, job, "rows", FORGET_HOURS, PG_NO_ARGS);
}
