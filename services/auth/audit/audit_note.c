/* audit_note.c - what operators do by other services: into the chain, once, however often it is told. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/db/pg.h"
#include "services/auth/auth.h"

/* Who tells the same at the same moment waits here for the first one's commit. */
static const char TAKE[] = "INSERT INTO audit_noted (deed) VALUES ($1) ON CONFLICT DO NOTHING";
static const char ADD[] = "SELECT audit_add($1, $2, $3, $4, $5::jsonb)";

enum err audit_note(struct call *call, const struct audit_deed *req, struct nothing *rep)
{
    int64_t rows;

    (void)rep;
    call_note(call, F_STR("target", req->target));
    TRY(pg_run(call->pg, call->arena, TAKE, PG_ARGS(pg_id(req->id)), &rows));
    if (rows == 0) return OK;
    return pg_run(call->pg, call->arena, ADD,
        PG_ARGS(pg_time(req->at), pg_text(req->who), pg_text(req->what), pg_text(req->target), pg_text(req->detail)),
        NULL);
}
