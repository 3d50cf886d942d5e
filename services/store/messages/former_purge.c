/* former_purge.c - what messages said before they were edited is forgotten when its time is over; a job, once a minute.
 *
 * All of a message's texts that are due go in one transaction: whoever dies in the middle has done nothing, and a second run finds the next.
 */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/db/pg.h"
#include "services/store/store.h"

#define MESSAGES_AT_ONCE 500

/* A statement of its own: who takes words aside holds the room's row, too, and so never copies what goes here meanwhile. */
static const char HOLD_ROOMS[] =
    "SELECT FROM room_head WHERE room_id IN (SELECT room_id FROM message_now WHERE former_due <= now()"
    " ORDER BY former_due LIMIT $1) ORDER BY room_id FOR UPDATE";
/* A text is former from the edit on that came behind it.  An edit that comes meanwhile waits for the row of its message. */
static const char PURGE[] =
    "WITH due AS (SELECT room_id, seq FROM message_now WHERE former_due <= now() ORDER BY former_due LIMIT $1"
    " FOR UPDATE SKIP LOCKED),"
    " edits AS (SELECT c.room_id, c.target, c.seq, lead(c.at) OVER edit AS replaced_at, min(c.at) OVER edit AS first_at"
    "  FROM due d JOIN change c ON c.room_id = d.room_id AND c.target = d.seq AND c.kind = 'message:edit'"
    "  WINDOW edit AS (PARTITION BY c.room_id, c.target ORDER BY c.seq)),"
    " late AS (SELECT now() - $2::bigint * interval '1 second' AS at),"
    " texts AS (UPDATE change c SET body = '', attachments = NULL FROM edits e, late WHERE c.room_id = e.room_id"
    "  AND c.seq = e.seq AND e.replaced_at <= late.at),"
    " firsts AS (UPDATE message m SET body = '', attachments = NULL FROM (SELECT DISTINCT room_id, target, first_at "
    "FROM"
    "  edits) e, late WHERE m.room_id = e.room_id AND m.seq = e.target AND e.first_at <= late.at),"
    " aside AS (UPDATE withheld w SET body = '', attachments = NULL FROM edits e, late WHERE w.room_id = e.room_id AND"
    "  ((w.seq = e.seq AND e.replaced_at <= late.at) OR (w.seq = e.target AND e.first_at <= late.at)))"
    " UPDATE message_now n SET former_due = (SELECT min(r.at) + $2::bigint * interval '1 second' FROM (SELECT"
    "  e.replaced_at AS at FROM edits e WHERE e.room_id = n.room_id AND e.target = n.seq UNION ALL SELECT e.first_at "
    "FROM"
    "  edits e WHERE e.room_id = n.room_id AND e.target = n.seq) r, late WHERE r.at > late.at)"
    " FROM due d WHERE n.room_id = d.room_id AND n.seq = d.seq";

enum err former_purge(struct call *call, const struct job *job, const struct nothing *payload)
{
    const struct store *store = call->context;
    int64_t rows, kept_s = entry_words_kept_s(store->settings, ENTRY_edit);

    if (kept_s == 0) return OK; /* for ever */
    TRY(pg_run(call->pg, call->arena, HOLD_ROOMS, PG_ARGS(pg_int(MESSAGES_AT_ONCE)), NULL));
    TRY(pg_run(call->pg, call->arena, PURGE, PG_ARGS(pg_int(MESSAGES_AT_ONCE), pg_int(kept_s)), &rows));
    call_note(call, F_INT("rows", rows));
    return rows == MESSAGES_AT_ONCE ? job_put(call, &former_purge_job, job->key, payload, 0) : OK;
}
