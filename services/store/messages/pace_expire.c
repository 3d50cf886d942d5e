/* pace_expire.c - when somebody said something in a room with slow mode, and it is so long ago that it has no bearing; a job, every ten minutes. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/db/pg.h"
#include "services/store/store.h"

#define PACE_MAX_S 21600 /* proto/chat.def: room.slow_s */

static const char FORGET[] = "DELETE FROM pace WHERE ctid = ANY (ARRAY(SELECT ctid FROM pace"
                             " WHERE at < now() - $2::bigint * interval '1 second' LIMIT $1))";

enum err pace_expire(struct call *call, const struct job *job, const struct nothing *payload)
{
    (void)payload;
    return job_remove_rows(call, job, "rows", FORGET, PG_ARGS(pg_int(PACE_MAX_S)));
}
