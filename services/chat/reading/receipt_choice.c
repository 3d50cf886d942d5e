/* receipt_choice.c - whether somebody takes part in receipts: who does not show theirs does not see others'. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/db/pg.h"
#include "services/chat/chat.h"

static const char MINE[] = "SELECT shown FROM receipt_choice WHERE subject = $1";

enum err receipt_mine(struct call *call, const struct nothing *req, struct receipt_choice *rep)
{
    (void)req;
    TRY(require_subject(call));
    enum err e = pg_one(call->pg, call->arena, receipt_choice_shape(), rep, MINE, PG_ARGS(pg_text(call->who->sub)));
    if (e != ERR_NOT_FOUND) return e;
    *rep = (struct receipt_choice){ .shown = true };
    return OK;
}

/* What they read while they took no part is not shown afterwards. */
static const char SET[] =
    "INSERT INTO receipt_choice AS c (subject, shown) VALUES ($1, $2) ON CONFLICT (subject) DO UPDATE SET shown = $2,"
    " since = CASE WHEN $2 AND NOT c.shown THEN $3::timestamptz ELSE c.since END RETURNING shown";

enum err receipt_set(struct call *call, const struct receipt_choice *req, struct receipt_choice *rep)
{
    TRY(require_subject(call));
    return pg_one(call->pg, call->arena, receipt_choice_shape(), rep, SET,
        PG_ARGS(pg_text(call->who->sub), pg_bool(req->shown), pg_time(call->now)));
}

static const char ERASE[] = "DELETE FROM receipt_choice WHERE subject = $1";

enum err receipts_erase(struct call *call, struct str subject, int64_t *rows)
{
    return pg_run(call->pg, call->arena, ERASE, PG_ARGS(pg_text(subject)), rows);
}
