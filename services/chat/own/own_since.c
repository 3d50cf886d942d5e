/* own_since.c - of which of somebody's rooms something has become another since a moment; and what is kept for that goes. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/db/pg.h"
#include "services/chat/own/own.h"

#define PLACES_MAX   200 /* proto/chat.def: missed_rooms.places */
#define KEPT_MS      (OWN_SYNC_MS + 86400000)
#define ROWS_AT_ONCE 5000

static const char SINCE[] =
    "SELECT room, what FROM (SELECT m.room_id AS room, CASE WHEN m.joined_at > $2 THEN 'added' ELSE 'changed' END AS"
    " what FROM member m JOIN room r ON r.id = m.room_id LEFT JOIN activity a ON a.room_id = m.room_id"
    " WHERE m.subject = $1 AND greatest(m.joined_at, m.changed_at, m.stated_at, r.changed_at, r.stated_at, "
    "a.changed_at) > $2"
    " UNION ALL SELECT f.room_id, 'removed' FROM former_member f WHERE f.subject = $1 AND f.ended_at > $2"
    " AND NOT EXISTS (SELECT FROM member m WHERE m.room_id = f.room_id AND m.subject = $1)) places"
    " WHERE room > COALESCE($3, '00000000-0000-0000-0000-000000000000'::uuid) ORDER BY room LIMIT $4";

enum err own_since(struct call *call, const struct own_since_query *req, struct missed_rooms *rep)
{
    TRY(require_subject(call));
    return pg_all(call->pg, call->arena, missed_room_shape(), &rep->places, PLACES_MAX, SINCE,
        PG_ARGS(pg_text(call->who->sub), pg_time(req->since), pg_id(req->after), pg_int(PLACES_MAX)));
}

static const char FORGET[] = "DELETE FROM former_member WHERE (subject, room_id) IN"
                             " (SELECT subject, room_id FROM former_member WHERE ended_at <= $1 LIMIT $2)";

/* Of whom more is known begins anew as soon as one that is missing would matter. */
static const char FORGET_MORE[] =
    "DELETE FROM former_member WHERE (subject, room_id) IN (SELECT s.subject, f.room_id FROM (SELECT subject FROM "
    "former_member"
    " GROUP BY subject HAVING count(*) > $1) s, LATERAL (SELECT room_id FROM former_member WHERE subject = s.subject"
    " ORDER BY ended_at DESC OFFSET $1) f LIMIT $2)";

enum err former_member_expire(struct call *call, const struct job *job, const struct nothing *payload)
{
    int64_t old, more;

    TRY(pg_run(call->pg, call->arena, FORGET, PG_ARGS(pg_time(call->now - KEPT_MS), pg_int(ROWS_AT_ONCE)), &old));
    TRY(pg_run(call->pg, call->arena, FORGET_MORE, PG_ARGS(pg_int(OWN_FORMER_MAX), pg_int(ROWS_AT_ONCE)), &more));
    call_note(call, F_INT("rows", old + more));
    return old == ROWS_AT_ONCE || more == ROWS_AT_ONCE ? job_put(call, &former_member_expire_job, job->key, payload, 0)
                                                       : OK;
}
