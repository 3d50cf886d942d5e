/* relation_expire.c - what was kept of a declined request only until it is seen again goes; a job, once an hour. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/db/pg.h"
#include "services/chat/chat.h"

static const char FORGET[] =
    "DELETE FROM relation WHERE (low, high) IN (SELECT low, high FROM relation WHERE bond = 'none' AND low_blocks IS "
    "NULL"
    " AND high_blocks IS NULL AND greatest(low_quiet_until, high_quiet_until) <= $2 LIMIT $1 FOR UPDATE SKIP LOCKED)";

enum err relation_expire(struct call *call, const struct job *job, const struct nothing *payload)
{
    (void)payload;
    return job_remove_rows(call, job, "rows", FORGET, PG_ARGS(pg_time(call->now)));
}
