/*
 * rooms_purge.c - a room ends as by a delete, and nothing of its log is kept.
 *
 *      here: the room goes, it is a row of purged_room, the deed has its entry: one transaction
 *      store's log.trim --room.keeping--> purged --> the log begins behind its end, and what was before is removed, some rows at a time
 *
 * The row stays: what a store that has not heard of it yet appends meanwhile goes at the next turn.
 */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/db/pg.h"
#include "services/chat/operator/operator.h"

static const char FORMER[] = "SELECT room_id AS room, purged_at FROM purged_room WHERE room_id = $1";
static const char NOTE[] = "INSERT INTO purged_room (room_id, purged_at) VALUES ($1, $2)";

static enum err note_purge(struct call *call, const struct room_purge *req, struct room_purged *rep)
{
    *rep = (struct room_purged){ req->room, call->now };
    TRY(pg_run(call->pg, call->arena, NOTE, PG_ARGS(pg_id(req->room), pg_time(call->now)), NULL));
    return deed_put_room(call, &audit_tell_job, "room.purge", req->room, room_purge_shape(), req);
}

/* It was purged before, perhaps by this request, whose answer was lost; or it was deleted, and its log is there still. */
static enum err purge_gone(struct call *call, const struct room_purge *req, struct room_purged *rep)
{
    enum err e = pg_one(call->pg, call->arena, room_purged_shape(), rep, FORMER, PG_ARGS(pg_id(req->room)));

    if (e != ERR_NOT_FOUND) return e;
    return req->gone ? note_purge(call, req, rep) : call_fail(call, e, "there is no such room");
}

enum err rooms_purge(struct call *call, const struct room_purge *req, struct room_purged *rep)
{
    struct room_row row;
    enum err e = room_row_lock(call, req->room, &row);

    if (e == ERR_NOT_FOUND) return purge_gone(call, req, rep);
    TRY(e);
    if (req->gone) return call_fail(call, ERR_PRECONDITION, "gone: this room is there");
    if (!str_eq(req->name, row.room.name)) return call_fail(call, ERR_PRECONDITION, "name: this room has another");
    TRY(room_row_end(call, &row));
    return note_purge(call, req, rep);
}
