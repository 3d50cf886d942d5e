/* removed_purge.c - what deleted messages said is forgotten when its time is over; a job, once a minute. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/db/pg.h"
#include "services/store/store.h"

static const char PURGE[] = "DELETE FROM removed WHERE (room_id, seq) IN"
                            " (SELECT room_id, seq FROM removed WHERE purge_at <= now() ORDER BY purge_at LIMIT $1)";

enum err removed_purge(struct call *call, const struct job *job, const struct nothing *payload)
{
    (void)payload;
    return job_remove_rows(call, job, "rows", PURGE, PG_NO_ARGS);
}
