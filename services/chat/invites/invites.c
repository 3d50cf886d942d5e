/* invites.c - links by which others come into a room, as those see them who may make them. */
// SPDX-License-Identifier: Apache-2.0
#include "services/chat/invites/invites.h"

#include "libshared/base/secret.h"
#include "libshared/db/pg.h"
#include "libshared/wire/columns.h"

#define INVITES_MAX 100 /* of a room; proto/chat.def: invite_page.invites */

#define INVITE_COLUMNS "id, room_id AS room, made_by, made_at, expires_at, coalesce(uses, 0) AS uses, used"

static const char FORGET_OVER[] = "DELETE FROM invite WHERE room_id = $1 AND (expires_at <= $2 OR used >= uses)";
/* Whoever asks again has lost our answer, and with it the code. */
static const char INSERT[] =
    "INSERT INTO invite (id, room_id, code_hash, made_by, made_at, expires_at, uses, client_key) VALUES ($1, $2, $3,"
    " $4, $5, $6, nullif($7::bigint, 0), $8) ON CONFLICT (room_id, made_by, client_key) DO UPDATE SET code_hash ="
    " excluded.code_hash RETURNING " INVITE_COLUMNS;
static const char COUNT_INVITES[] = "SELECT FROM invite WHERE room_id = $1";

enum err invite_create(struct call *call, const struct invite_draft *req, struct invite *rep)
{
    char code[INVITE_CODE_CHARS + 1];
    struct room_row row;
    int64_t n;

    TRY(room_row_lock(call, req->room, &row));
    TRY(require_right(call, &row.room, MAY_link));
    secret_text(code, INVITE_CODE_CHARS);
    TRY(pg_run(call->pg, call->arena, FORGET_OVER, PG_ARGS(pg_id(req->room), pg_time(call->now)), NULL));
    TRY(pg_one(call->pg, call->arena, invite_shape(), rep, INSERT,
        PG_ARGS(pg_id(id_new()), pg_id(req->room), pg_bytes(code_hash(call->arena, INVITE_CODE, str_of(code))),
            pg_text(call->who->sub), pg_time(call->now), pg_time(call->now + req->for_s * 1000), pg_int(req->uses),
            pg_text(req->client_key))));
    TRY(pg_run(call->pg, call->arena, COUNT_INVITES, PG_ARGS(pg_id(req->room)), &n));
    if (n > INVITES_MAX) return call_fail(call, ERR_TOO_LARGE, "a room has at most %d links", INVITES_MAX);
    rep->code = arena_str(call->arena, str_of(code));
    return OK;
}

static const char LIST[] = "SELECT " INVITE_COLUMNS " FROM invite WHERE room_id = $1 AND expires_at > $2"
                           " ORDER BY made_at DESC, id DESC";

enum err invite_list(struct call *call, const struct room_ref *req, struct invite_page *rep)
{
    struct room_row row;

    TRY(room_row_get(call, req->room, &row));
    TRY(require_right(call, &row.room, MAY_link));
    TRY(pg_all(call->pg, call->arena, invite_shape(), &rep->invites, INVITES_MAX, LIST,
        PG_ARGS(pg_id(req->room), pg_time(call->now))));
    return directory_people(call->pg, call->arena, TEXTS_OF(call->arena, rep->invites, made_by), &rep->users);
}

static const char REVOKE[] = "DELETE FROM invite WHERE room_id = $1 AND id = $2";

enum err invite_revoke(struct call *call, const struct invite_ref *req, struct nothing *rep)
{
    struct room_row row;

    (void)rep;
    TRY(room_row_get(call, req->room, &row));
    TRY(require_right(call, &row.room, MAY_link));
    return pg_run(call->pg, call->arena, REVOKE, PG_ARGS(pg_id(req->room), pg_id(req->invite)), NULL);
}

/* --- what nobody comes in by any more --- */

static const char EXPIRED[] = "DELETE FROM invite WHERE id IN (SELECT id FROM invite WHERE expires_at <= $2 LIMIT $1)";

enum err invite_expire(struct call *call, const struct job *job, const struct nothing *payload)
{
    (void)payload;
    return job_remove_rows(call, job, "rows", EXPIRED, PG_ARGS(pg_time(call->now)));
}

static const char ERASE[] = "DELETE FROM invite WHERE id IN (SELECT id FROM invite WHERE made_by = $1 LIMIT $2)";

enum err invites_erase_some(struct call *call, struct str subject, int64_t most, int64_t *n)
{
    return pg_run(call->pg, call->arena, ERASE, PG_ARGS(pg_text(subject), pg_int(most)), n);
}
