/*
 * read_mark.c - up to where somebody has read a room.
 *
 * A place in the log, which never goes back: so devices that mark in any order end with the greatest.  What is unread is a
 * difference, counted_after() in migrations/chat, which nobody counts up or down.  Whoever says something has read up to there
 * (read_by_speaking.c): so no message of one's own is behind one's place.
 */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/db/pg.h"
#include "services/chat/notifications/notifications.h"
#include "services/chat/own/own.h"

/* Counting is a moment behind the log, so a place ahead of it may be right; one that is far ahead is none, and would stay for ever. */
#define AHEAD_MAX 100000

static const char MARK[] =
    "UPDATE member m SET read_seq = CASE WHEN $4 THEN m.read_seq ELSE greatest(m.read_seq, coalesce(nullif($3, -1),"
    " a.seq)) END, read_at = CASE WHEN NOT $4 AND coalesce(nullif($3, -1), a.seq) > m.read_seq THEN $5 ELSE m.read_at"
    " END, marked_at = CASE WHEN $4 THEN $5::timestamptz END, changed_at = $5 FROM (SELECT coalesce((SELECT "
    "seq FROM activity"
    " WHERE room_id = $1), 0) AS seq) a WHERE m.room_id = $1 AND m.subject = $2 AND $3 <= a.seq + $6"
    " RETURNING m.room_id AS room, m.read_seq AS read, (SELECT n FROM counted_after(m.room_id, m.read_seq) AS n) AS "
    "unread, (SELECT n FROM mentions_after(m.room_id, m.subject, m.read_seq) AS n) AS mentions, m.marked_at";

/* Why was nothing marked? */
static enum err explain_refusal(struct call *call, struct id room)
{
    struct room_row row;

    TRY(room_row_get(call, room, &row));
    if (row.room.role.len == 0) return call_fail(call, ERR_FORBIDDEN, "not a member of this room");
    return call_fail(call, ERR_INVALID_ARGUMENT, "seq: is far ahead of the room's log");
}

enum err read_mark(struct call *call, const struct read_mark *req, struct read_state *rep)
{
    TRY(require_subject(call));
    enum err e = pg_one(call->pg, call->arena, read_state_shape(), rep, MARK,
        PG_ARGS(pg_id(req->room), pg_text(call->who->sub), pg_int(req->seq), pg_bool(req->unread), pg_time(call->now),
            pg_int(AHEAD_MAX)));
    if (e == ERR_NOT_FOUND) return explain_refusal(call, req->room);
    TRY(e);
    if (!req->unread) TRY(notifications_read_in(call, req->room, rep->read));
    if (!req->unread) receipts_note(call, req->room);
    own_tell(call, req->room, OWN_READ, own_self(call));
    return OK;
}
