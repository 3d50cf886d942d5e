/* purge_begin.c - an operator has what somebody said become places without words; and how far that is. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/db/pg.h"
#include "libshared/jobs/deeds.h"
#include "services/store/store.h"

#define PAGE_MAX 200 /* proto/store.def: purge_query.limit */

#define COLUMNS "id, subject, room_id AS room, begun_by, begun_at, messages, ended_at"

static const char FORGET[] = "DELETE FROM purge WHERE ended_at < now() - interval '90 days'";
/* By the database's clock, as messages are stored by it. */
static const char BEGIN[] =
    "INSERT INTO purge (id, subject, room_id, begun_by, begun_at) VALUES ($1, $2, $3, $4, now()) ON CONFLICT DO NOTHING"
    " RETURNING " COLUMNS;
static const char GOING_ON[] =
    "SELECT " COLUMNS " FROM purge WHERE subject = $1 AND room_id IS NOT DISTINCT FROM $2 AND ended_at IS NULL";
static const char PAGE[] = "SELECT " COLUMNS " FROM purge WHERE ($1::uuid IS NULL OR id < $1)"
                           " AND ($2::text IS NULL OR subject = $2) ORDER BY id DESC LIMIT $3";

enum err purge_begin(struct call *call, const struct purge_draft *req, struct purge *rep)
{
    char key[ID_TEXT_BYTES + 1];
    struct str who = call->who->sub.len > 0 ? call->who->sub : call->peer_name;

    TRY(pg_run(call->pg, call->arena, FORGET, PG_NO_ARGS, NULL));
    enum err e = pg_one(call->pg, call->arena, purge_shape(), rep, BEGIN,
        PG_ARGS(pg_id(id_new()), pg_text(req->subject), pg_id(req->room), pg_text(who)));
    if (e == ERR_NOT_FOUND)
        return pg_one(
            call->pg, call->arena, purge_shape(), rep, GOING_ON, PG_ARGS(pg_text(req->subject), pg_id(req->room)));
    TRY(e);
    id_format(rep->id, key);
    TRY(job_put(call, &purge_run_job, str_of(key), &(struct purge_ref){ rep->id }, 0));
    return deed_put(call, &audit_tell_job, "message.purge", req->subject, purge_draft_shape(), req);
}

enum err purge_list(struct call *call, const struct purge_query *req, struct purge_page *rep)
{
    struct id after = { { 0 } };
    char last[ID_TEXT_BYTES + 1];

    if (req->after.len > 0 && !id_parse(req->after, &after))
        return call_fail(call, ERR_INVALID_ARGUMENT, "after: no page has given that");
    TRY(pg_all(call->pg, call->arena, purge_shape(), &rep->purges, PAGE_MAX, PAGE,
        PG_ARGS(pg_id(after), pg_text(req->subject), pg_int(req->limit))));
    rep->meta = arena_zero(call->arena, sizeof *rep->meta);
    rep->meta->limit = req->limit;
    if ((int64_t)rep->purges.len < req->limit) return OK;
    id_format(rep->purges.at[rep->purges.len - 1].id, last);
    rep->meta->next = arena_str(call->arena, str_of(last));
    return OK;
}
