/* limit_unset.c - a rate or quota is again what its row says. */
// SPDX-License-Identifier: Apache-2.0
#include "services/auth/auth.h"
#include "services/auth/limits.h"

static const char DROP_LIMIT[] =
    "DELETE FROM limit_change WHERE name = $1 AND subject = coalesce($2, '') AND key = coalesce($3, '')";

enum err limit_unset(struct call *call, const struct limit_ref *req, struct nothing *rep)
{
    int64_t rows;

    (void)rep;
    TRY(limit_check(call, req->name, req->subject, req->key));
    TRY(pg_run(call->pg, call->arena, DROP_LIMIT, PG_ARGS(pg_text(req->name), pg_text(req->subject), pg_text(req->key)),
        &rows));
    if (rows == 0) return OK; /* said twice */
    TRY(audit_record(call, "limit.unset", req->name, limit_ref_shape(), req));
    return trust_changed(call);
}
