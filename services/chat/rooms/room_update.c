/* room_update.c - one room as its members see it, and what those may change of it who look after it. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/db/pg.h"
#include "services/chat/chat.h"

#define NOBODY_IN_PARTICULAR ((struct access_change_list){ NULL, 0 })

enum err room_get(struct call *call, const struct room_ref *req, struct room *rep)
{
    struct room_row row;

    TRY(room_row_get(call, req->room, &row));
    if (row.room.role.len == 0) return call_fail(call, ERR_FORBIDDEN, "not a member of this room");
    *rep = row.room;
    room_fill_can(call, rep);
    return OK;
}

/* Who has a room's id, and may neither join nor ask nor find it, sees no more than that there is one. */
enum err room_show(struct call *call, const struct room_ref *req, struct room_front *rep)
{
    struct room_row row;

    TRY(room_row_get(call, req->room, &row));
    const struct room *room = &row.room;
    if (room->role.len == 0 && !room->open && !room->knocks && !room->listed)
        return call_fail(call, ERR_FORBIDDEN, "not a member of this room");
    *rep = room_front_of(call, room);
    return OK;
}

enum err require_settings(struct call *call, struct str writes, struct str invites, struct str history)
{
    enum role role;

    if (writes.at != NULL && !(room_role_find(writes, &role) && (role == ROLE_member || role == ROLE_moderator)))
        return call_fail(call, ERR_INVALID_ARGUMENT, "writes: is member or moderator");
    if (invites.at != NULL && !(room_role_find(invites, &role) && role >= ROLE_member))
        return call_fail(call, ERR_INVALID_ARGUMENT, "invites: is member, moderator, admin or owner");
    if (history.at != NULL && !room_history_is(history))
        return call_fail(call, ERR_INVALID_ARGUMENT, "history: is all or joining");
    return OK;
}

static enum err read_joins(struct call *call, struct str joins, struct room *room)
{
    if (joins.at == NULL) return OK;
    room->open = str_is(joins, "anybody");
    room->knocks = str_is(joins, "who_asks");
    if (room->open || room->knocks || str_is(joins, "nobody")) return OK;
    return call_fail(call, ERR_INVALID_ARGUMENT, "joins: is anybody, who_asks or nobody");
}

static enum err read_listed(struct call *call, struct str listed, struct room *room)
{
    if (listed.at == NULL) return OK;
    room->listed = str_is(listed, "yes");
    if (room->listed || str_is(listed, "no")) return OK;
    return call_fail(call, ERR_INVALID_ARGUMENT, "listed: is yes or no");
}

/* Said again, it is since when it was said first. */
static enum err require_receipts(struct call *call, struct str receipts, const struct room *room)
{
    if (receipts.at == NULL) return OK;
    TRY(require_right(call, room, MAY_receipts));
    if (str_is(receipts, "yes") || str_is(receipts, "no")) return OK;
    return call_fail(call, ERR_INVALID_ARGUMENT, "receipts: is yes or no");
}

static const char UPDATE[] =
    "UPDATE room SET name = coalesce($2, name), topic = coalesce($3, topic), open = $4,"
    " writes = coalesce($5, writes), invites = coalesce($6, invites), history = coalesce($7, history),"
    " kept_days = CASE WHEN $8 < 0 THEN kept_days ELSE nullif($8, 0) END,"
    " kept_messages = CASE WHEN $11 < 0 THEN kept_messages ELSE nullif($11, 0) END, knocks = $9, listed = $10,"
    " receipts_since = CASE $12 WHEN 'yes' THEN coalesce(receipts_since, $13) WHEN 'no' THEN NULL ELSE receipts_since"
    " END, slow_s = CASE WHEN $14 < 0 THEN slow_s ELSE $14 END WHERE id = $1";

/* They ask anew what those who listen may hear of what comes. */
static void tell_gateways(struct rpc_server *server, void *context, void *arg)
{
    const struct access_change change = { .room = *(const struct id *)arg };

    feeds_tell(((struct chat *)context)->feeds, server, &change);
}

enum err room_update(struct call *call, const struct room_change *req, struct room *rep)
{
    struct room_row row;

    TRY(room_row_lock(call, req->room, &row));
    TRY(require_right(call, &row.room, MAY_update));
    if (req->kept_days >= 0 || req->kept_messages >= 0) TRY(require_right(call, &row.room, MAY_keep));
    TRY(require_receipts(call, req->receipts, &row.room));
    TRY(require_settings(call, req->writes, req->invites, req->history));
    TRY(read_joins(call, req->joins, &row.room));
    TRY(read_listed(call, req->listed, &row.room));
    TRY(pg_run(call->pg, call->arena, UPDATE,
        PG_ARGS(pg_id(req->room), pg_text(req->name), pg_text(req->topic), pg_bool(row.room.open), pg_text(req->writes),
            pg_text(req->invites), pg_text(req->history), pg_int(req->kept_days), pg_bool(row.room.knocks),
            pg_bool(row.room.listed), pg_int(req->kept_messages), pg_text(req->receipts), pg_time(call->now),
            pg_int(req->slow_s)),
        NULL));
    TRY(room_row_changed(call, &row, NOBODY_IN_PARTICULAR, OF_ROLES));
    if (req->history.at != NULL) call_after(call, tell_gateways, arena_copy(call->arena, &req->room, sizeof req->room));
    return room_get(call, &(struct room_ref){ req->room }, rep);
}

/* Said twice, it is of when it was said first. */
static const char ARCHIVE[] =
    "UPDATE room SET archived_at = CASE WHEN $2 THEN coalesce(archived_at, $3) END WHERE id = $1";

enum err room_row_archive(struct call *call, const struct room_row *row, bool archived)
{
    TRY(pg_run(
        call->pg, call->arena, ARCHIVE, PG_ARGS(pg_id(row->room.id), pg_bool(archived), pg_time(call->now)), NULL));
    return room_row_changed(call, row, NOBODY_IN_PARTICULAR, OF_ROLES);
}

enum err room_archive(struct call *call, const struct room_archiving *req, struct room *rep)
{
    struct room_row row;

    TRY(room_row_lock(call, req->room, &row));
    TRY(require_right(call, &row.room, MAY_archive));
    TRY(room_row_archive(call, &row, req->archived));
    return room_get(call, &(struct room_ref){ req->room }, rep);
}
