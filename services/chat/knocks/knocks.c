/* knocks.c - who is not in a room asks to be let in; and what ends that, but for an answer. */
// SPDX-License-Identifier: Apache-2.0
#include "services/chat/knocks/knocks.h"

#include "libshared/db/pg.h"
#include "libshared/wire/columns.h"
#include "services/chat/own/own.h"

#define OF_ROOM_MAX 1000
#define OF_ONE_MAX  50   /* proto/chat.def: own_knocks */
#define TOLD_MAX    1000 /* of those who may answer */
#define LIFE_MS     INT64_C(604800000)

/* --- who is told --- */

static struct str_list roles_that_invite(struct call *call, const struct room *room)
{
    struct str_list roles = { arena_alloc(call->arena, ROLES_END * sizeof *roles.at), 0 };
    struct room as = *room;

    as.muted_until = 0;
    for (enum role role = ROLE_read_only; role < ROLES_END; role++) {
        as.role = room_role_name(role);
        if (room_lets(&as, MAY_invite)) roles.at[roles.len++] = as.role;
    }
    return roles;
}

/* In a large room in which any member invites those are told who are more than that; the others see it in their lists. */
static const char DECIDERS[] =
    "SELECT m.room_id AS room, m.subject FROM member m WHERE m.room_id = $1 AND m.role = ANY ($3) AND (m.role <>"
    " 'member' OR (SELECT members FROM room WHERE id = $1) <= $4) AND EXISTS (SELECT FROM knock k WHERE k.room_id = $1"
    " AND k.subject IN (SELECT subject_form(name) FROM unnest($2) AS name) AND knock_is_seen(k, m.subject, $5)) LIMIT "
    "$4";
/* Not the members' rows: who marks what is read locks those in another order. */
static const char TOUCH[] = "UPDATE room SET changed_at = now(), stated_at = now() WHERE id = $1";

enum err knocks_tell(struct call *call, const struct room *room, struct str_list subjects)
{
    struct access_change_list members;

    TRY(pg_all(call->pg, call->arena, access_change_shape(), &members, TOLD_MAX, DECIDERS,
        PG_ARGS(pg_id(room->id), pg_texts(call->arena, subjects), pg_texts(call->arena, roles_that_invite(call, room)),
            pg_int(TOLD_MAX), pg_time(call->now))));
    if (members.len == 0) return OK;
    own_tell(call, room->id, OWN_CHANGED, TEXTS_OF(call->arena, members, subject));
    return pg_run(call->pg, call->arena, TOUCH, PG_ARGS(pg_id(room->id)), NULL);
}

/* --- asking --- */

static enum err require_door(struct call *call, const struct room *room)
{
    if (room_lets(room, MAY_knock)) return OK;
    if (room->role.len > 0) return call_fail(call, ERR_FORBIDDEN, "a member of this room already");
    if (room->open) return call_fail(call, ERR_FORBIDDEN, "the room is open: join it");
    if (!room->knocks) return call_fail(call, ERR_FORBIDDEN, "one is invited to this room, and does not ask");
    return call_fail(call, ERR_FORBIDDEN, "the room is archived");
}

/* Also one that its job has not removed yet. */
static const char FORGET_OVER[] = "DELETE FROM knock WHERE room_id = $1 AND subject = $2 AND expires_at <= $3";
static const char PUT[] =
    "INSERT INTO knock AS k (room_id, subject, body, asked_at, expires_at) VALUES ($1, $2, coalesce($3, ''), $4, $5)"
    " ON CONFLICT (room_id, subject) DO UPDATE SET body = coalesce($3, k.body) RETURNING " KNOCK_COLUMNS;

/* The last lock of all: two that the same one makes at once, in two rooms, are counted one after the other. */
static const char LOCK_ONE[] = "SELECT pg_advisory_xact_lock(hashtextextended('madang.chat.knock.' || $1, 0))";
static const char COUNT_OF_ONE[] = "SELECT FROM knock WHERE subject = $1 AND expires_at > $2";
static const char COUNT_OF_ROOM[] = "SELECT FROM knock WHERE room_id = $1 AND expires_at > $2";

static enum err require_place(struct call *call, struct id room)
{
    int64_t of_one, of_room;

    TRY(pg_run(call->pg, call->arena, LOCK_ONE, PG_ARGS(pg_text(call->who->sub)), NULL));
    TRY(pg_run(call->pg, call->arena, COUNT_OF_ONE, PG_ARGS(pg_text(call->who->sub), pg_time(call->now)), &of_one));
    if (of_one > OF_ONE_MAX)
        return call_fail(call, ERR_TOO_LARGE, "one asks to be let into at most %d rooms at a time", OF_ONE_MAX);
    TRY(pg_run(call->pg, call->arena, COUNT_OF_ROOM, PG_ARGS(pg_id(room), pg_time(call->now)), &of_room));
    return of_room <= OF_ROOM_MAX ? OK : call_fail(call, ERR_TOO_LARGE, "at most %d ask to be let in", OF_ROOM_MAX);
}

/* What is asked already stays as it was asked, but for the words. */
enum err room_knock(struct call *call, const struct knock_draft *req, struct knock *rep)
{
    struct room_row row;

    TRY(room_row_lock(call, req->room, &row));
    TRY(require_door(call, &row.room));
    TRY(pg_run(call->pg, call->arena, FORGET_OVER,
        PG_ARGS(pg_id(req->room), pg_text(call->who->sub), pg_time(call->now)), NULL));
    TRY(pg_one(call->pg, call->arena, knock_shape(), rep, PUT,
        PG_ARGS(pg_id(req->room), pg_text(call->who->sub), pg_text(req->text), pg_time(call->now),
            pg_time(call->now + LIFE_MS))));
    if (rep->asked_at != call->now) return OK;
    TRY(require_place(call, req->room));
    return knocks_tell(call, &row.room, own_self(call));
}

static const char MINE[] = "SELECT " KNOCK_COLUMNS " FROM knock k WHERE k.subject = $1 AND k.expires_at > $2"
                           " ORDER BY k.asked_at, k.room_id LIMIT $3";
static const char FRONTS[] = "SELECT id AS room, name, topic, members, open FROM room WHERE id = ANY ($1)";

enum err knock_mine(struct call *call, const struct nothing *req, struct own_knocks *rep)
{
    (void)req;
    TRY(require_subject(call));
    TRY(pg_all(call->pg, call->arena, knock_shape(), &rep->knocks, OF_ONE_MAX, MINE,
        PG_ARGS(pg_text(call->who->sub), pg_time(call->now), pg_int(OF_ONE_MAX))));
    return pg_all(call->pg, call->arena, room_front_shape(), &rep->rooms, OF_ONE_MAX, FRONTS,
        PG_ARGS(pg_ids(call->arena, IDS_OF(call->arena, rep->knocks, room))));
}

/* --- its end --- */

static const char ASKED[] = "SELECT FROM knock WHERE room_id = $1 AND subject = ANY ($2)";
static const char END[] = "DELETE FROM knock WHERE room_id = $1 AND subject = ANY ($2)";

enum err knocks_end(struct call *call, struct id room, struct str_list subjects, int64_t *n)
{
    struct room_row row;

    TRY(pg_run(call->pg, call->arena, ASKED, PG_ARGS(pg_id(room), pg_texts(call->arena, subjects)), n));
    if (*n == 0) return OK;
    TRY(room_row_get(call, room, &row));
    TRY(knocks_tell(call, &row.room, subjects));
    return pg_run(call->pg, call->arena, END, PG_ARGS(pg_id(room), pg_texts(call->arena, subjects)), n);
}

enum err knock_withdraw(struct call *call, const struct room_ref *req, struct nothing *rep)
{
    struct room_row row;
    int64_t n;

    (void)rep;
    TRY(room_row_lock(call, req->room, &row));
    TRY(knocks_end(call, req->room, own_self(call), &n));
    if (n > 0) own_tell(call, req->room, OWN_UNASKED, own_self(call));
    return OK;
}

/* Who is in the room, whichever way they came, asks no more. */
enum err knocks_follow(struct call *call, const struct member_change *change)
{
    int64_t n;

    if (change->of != OF_MEMBERS || change->who.len == 0) return OK;
    return knocks_end(call, change->room, TEXTS_OF(call->arena, change->who, subject), &n);
}

static const char ASK[] = "SELECT room_id AS room, subject FROM knock WHERE room_id = $1 AND expires_at > $2 LIMIT $3";

enum err knocks_tell_end(struct call *call, struct id room)
{
    struct access_change_list asking;

    TRY(pg_all(call->pg, call->arena, access_change_shape(), &asking, OF_ROOM_MAX, ASK,
        PG_ARGS(pg_id(room), pg_time(call->now), pg_int(OF_ROOM_MAX))));
    own_tell(call, room, OWN_REMOVED, TEXTS_OF(call->arena, asking, subject));
    return OK;
}

static const char ERASE[] = "DELETE FROM knock WHERE subject = $1";

enum err knocks_erase(struct call *call, struct str subject, int64_t *n)
{
    return pg_run(call->pg, call->arena, ERASE, PG_ARGS(pg_text(subject)), n);
}

/* What somebody asks anew at this moment stays. */
static const char EXPIRED[] = "DELETE FROM knock WHERE (room_id, subject) IN (SELECT room_id, subject FROM knock WHERE"
                              " expires_at <= $2 LIMIT $1 FOR UPDATE SKIP LOCKED)";

enum err knock_expire(struct call *call, const struct job *job, const struct nothing *payload)
{
    (void)payload;
    return job_remove_rows(call, job, "rows", EXPIRED, PG_ARGS(pg_time(call->now)));
}
