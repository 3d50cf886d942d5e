/* erasure.c - services say that they have erased somebody, and administrators ask whether all have. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/db/rows.h"
#include "libshared/wire/columns.h"
#include "services/auth/auth.h"

static const char NOTE[] =
    "INSERT INTO erasure (account_id, service, erased_at, counts) SELECT e.account_id, $2, $3, (SELECT coalesce("
    "jsonb_agg(jsonb_build_object('what', c.what, 'rows', c.rows)), '[]') FROM unnest($4::text[], $5::bigint[]) AS c"
    " (what, rows)) FROM account_erased e WHERE e.account_id = $1 ON CONFLICT (account_id, service) DO UPDATE SET"
    " erased_at = excluded.erased_at, counts = excluded.counts";

enum err erasure_report(struct call *call, const struct erasure *req, struct nothing *rep)
{
    struct arena *arena = call->arena;
    int64_t noted;

    (void)rep;
    TRY(pg_run(call->pg, arena, NOTE,
        PG_ARGS(pg_id(req->user), pg_text(call->peer_name), pg_time(req->erased_at),
            pg_texts(arena, TEXTS_OF(arena, req->counts, what)), pg_ints(arena, INTS_OF(arena, req->counts, rows))),
        &noted));
    return noted == 1 ? OK : call_fail(call, ERR_NOT_FOUND, "user: was never erased");
}

/* --- has everybody? --- */

/* clang-format off */
static struct str services[] = {
#define SERVICE(name, place, parts, doc) { #name, sizeof #name - 1 },
#include "proto/begin.def"
#include "proto/services.def"
#include "proto/end.def"
};
/* clang-format on */

static const char ASKED[] = "SELECT account_id AS user, asked_at FROM account_erased WHERE account_id = $1";
static const char LINES[] =
    "SELECT s.service, e.erased_at, coalesce(e.counts, '[]') AS counts FROM unnest($2::text[]) AS s (service)"
    " LEFT JOIN erasure e ON e.account_id = $1 AND e.service = s.service ORDER BY s.service";

enum err people_erasure(struct call *call, const struct erased_ref *req, struct erasure_proof *rep)
{
    enum err e = pg_one(call->pg, call->arena, erasure_proof_shape(), rep, ASKED, PG_ARGS(pg_id(req->user)));

    if (e == ERR_NOT_FOUND) return call_fail(call, e, "user: nobody who was erased had this id");
    TRY(e);
    TRY(pg_all(call->pg, call->arena, erasure_line_shape(), &rep->services, COUNT(services), LINES,
        PG_ARGS(pg_id(req->user), pg_texts(call->arena, (struct str_list){ services, COUNT(services) }))));
    rep->whole = true;
    for (size_t i = 0; i < rep->services.len; i++) rep->whole = rep->whole && rep->services.at[i].erased_at > 0;
    return OK;
}
