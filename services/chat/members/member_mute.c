/* member_mute.c - a member only reads for a time, which a job ends. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/db/pg.h"
#include "libshared/db/rows.h"
#include "libshared/jobs/deeds.h"
#include "services/chat/own/own.h"

#define ROWS_AT_ONCE 100

static const char MUTE[] =
    "UPDATE member m SET muted_until = $3 FROM room r WHERE r.id = m.room_id AND m.room_id = $1 AND m.subject = $2"
    " RETURNING m.room_id AS room, m.subject, role_now(m.role, m.muted_until, r.writes, r.archived_at) AS role,"
    " reads_after(r.history, m.joined_at) AS reads_after";

enum err member_mute(struct call *call, const struct member_mute *req, struct room_member *rep)
{
    struct access_change *who = arena_zero(call->arena, sizeof *who);
    struct room_row row;

    TRY(room_row_lock(call, req->room, &row));
    TRY(require_right(call, &row.room, MAY_mute));
    TRY(require_member_below(call, &row.room, req->member, rep));
    rep->muted_until = req->for_s > 0 ? call->now + req->for_s * 1000 : 0;
    TRY(pg_one(call->pg, call->arena, access_change_shape(), who, MUTE,
        PG_ARGS(pg_id(req->room), pg_text(rep->subject), pg_time(rep->muted_until))));
    TRY(deed_put_room(call, &audit_tell_job, "member.mute", req->room, member_mute_shape(), req));
    return room_row_changed(call, &row, (struct access_change_list){ who, 1 }, OF_MUTES);
}

/* --- its end --- */

struct freed_room {
    struct id room;
    int64_t version;
    struct str_list subjects;
};
struct freed_room_list {
    struct freed_room *at;
    size_t len;
};
static const struct wire_field freed_room_fields[] = {
    ROW_FIELD(struct freed_room, room, ID),
    ROW_FIELD(struct freed_room, version, INT),
    ROW_FIELD(struct freed_room, subjects, TEXTS),
    ROW_END,
};
static const struct wire_shape freed_room_shape = { "freed_room", "", sizeof(struct freed_room), freed_room_fields };

/* A mute that is longer by the time that its room is locked stays. */
static const char UNMUTE[] =
    "WITH due AS (SELECT room_id, subject FROM member WHERE muted_until <= $1 ORDER BY muted_until LIMIT $2),"
    " locked AS (SELECT id FROM room WHERE id IN (SELECT room_id FROM due) ORDER BY id FOR NO KEY UPDATE),"
    " freed AS (UPDATE member m SET muted_until = NULL FROM due JOIN locked ON locked.id = due.room_id"
    " WHERE m.room_id = due.room_id AND m.subject = due.subject AND m.muted_until <= $1 RETURNING m.room_id, m.subject)"
    " UPDATE room r SET version = r.version + 1 WHERE r.id IN (SELECT room_id FROM freed)"
    " RETURNING r.id AS room, r.version, array(SELECT subject FROM freed WHERE freed.room_id = r.id) AS subjects";
/* The processes of all parts hear of it, this one too: member_erase.c. */
static const char TELL[] = "SELECT pg_notify('" CHAT_CHANGED "', concat_ws(' ', $1::uuid, $2::bigint))";

enum err member_unmute(struct call *call, const struct job *job, const struct nothing *payload)
{
    struct freed_room_list rooms = { NULL, 0 };

    TRY(pg_all(call->pg, call->arena, &freed_room_shape, &rooms, ROWS_AT_ONCE, UNMUTE,
        PG_ARGS(pg_time(call->now), pg_int(ROWS_AT_ONCE))));
    for (size_t i = 0; i < rooms.len; i++) {
        TRY(pg_run(call->pg, call->arena, TELL, PG_ARGS(pg_id(rooms.at[i].room), pg_int(rooms.at[i].version)), NULL));
        TRY(own_notify(call, rooms.at[i].room, rooms.at[i].subjects));
    }
    if (rooms.len == 0) return OK;
    call_note(call, F_INT("rooms", rooms.len));
    return job_put(call, &member_unmute_job, job->key, payload, 0);
}
