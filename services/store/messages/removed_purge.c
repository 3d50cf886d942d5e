/* removed_purge.c - what deleted messages said is forgotten when its time is over; a job, once a minute. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/db/pg.h"
#include "services/store/store.h"

#define ROWS_AT_ONCE 1000

static const char PURGE[] = "DELETE FROM removed WHERE (room_id, seq) IN"
                            " (SELECT room_id, seq FROM removed WHERE purge_at <= now() ORDER BY purge_at LIMIT $1)";

enum err removed_purge(struct call *call, const struct job *job, const struct nothing *payload)
{
    int64_t rows;

    TRY(pg_run(call->pg, call->arena, PURGE, PG_ARGS(pg_int(ROWS_AT_ONCE)), &rows));
    call_note(call, F_INT("rows", rows));
    return rows == ROWS_AT_ONCE ? job_put(call, &removed_purge_job, job->key, payload, 0) : OK;
}
