/* rooms_change.c - an operator archives a room, has it back, or says how much it keeps.  What changes nothing, as what a gateway asks once more
 * after chat died, is no deed. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/db/pg.h"
#include "services/chat/operator/operator.h"

static enum err change_archived(
    struct call *call, const struct room_row *row, const struct room_deed *req, bool archived)
{
    TRY(room_row_archive(call, row, archived));
    return deed_put_room(
        call, &audit_tell_job, archived ? "room.archive" : "room.unarchive", req->room, room_deed_shape(), req);
}

static enum err archive(struct call *call, const struct room_deed *req, bool archived, struct room_state *rep)
{
    struct room_row row;

    TRY(room_row_lock(call, req->room, &row));
    if ((row.room.archived_at > 0) != archived) TRY(change_archived(call, &row, req, archived));
    return rooms_show(call, &(struct room_ref){ req->room }, rep);
}

enum err rooms_archive(struct call *call, const struct room_deed *req, struct room_state *rep)
{
    return archive(call, req, true, rep);
}

enum err rooms_unarchive(struct call *call, const struct room_deed *req, struct room_state *rep)
{
    return archive(call, req, false, rep);
}

static const char KEEP[] = "UPDATE room SET kept_days = CASE WHEN $2 < 0 THEN kept_days ELSE nullif($2, 0) END,"
                           " kept_messages = CASE WHEN $3 < 0 THEN kept_messages ELSE nullif($3, 0) END WHERE id = $1";

static enum err change_kept(struct call *call, const struct room_row *row, const struct room_retention *req)
{
    TRY(pg_run(call->pg, call->arena, KEEP,
        PG_ARGS(pg_id(req->room), pg_int(req->kept_days), pg_int(req->kept_messages)), NULL));
    TRY(room_row_changed(call, row, (struct access_change_list){ NULL, 0 }, OF_ROLES));
    return deed_put_room(call, &audit_tell_job, "room.retention", req->room, room_retention_shape(), req);
}

static bool is_another(int64_t wanted, int64_t is)
{
    return wanted >= 0 && wanted != is;
}

enum err rooms_keep(struct call *call, const struct room_retention *req, struct room_state *rep)
{
    struct room_row row;

    TRY(room_row_lock(call, req->room, &row));
    if (is_another(req->kept_days, row.room.kept_days) || is_another(req->kept_messages, row.room.kept_messages))
        TRY(change_kept(call, &row, req));
    return rooms_show(call, &(struct room_ref){ req->room }, rep);
}
