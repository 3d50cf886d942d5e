/* limit_unset.c - a rate or quota is again what its row says. */
// SPDX-License-Identifier: Apache-2.0
#include "services/auth/auth.h"
#include "services/auth/limits/limits.h"

/* As it is spelled, and as it was typed: an older row may have it so. */
static const char DROP_LIMIT[] = "DELETE FROM limit_change WHERE name = $1 AND subject IN (coalesce($2, ''), "
                                 "coalesce($4, '')) AND key = coalesce($3, '')";

enum err limit_unset(struct call *call, const struct limit_ref *req, struct nothing *rep)
{
    struct limit_ref ref = *req;
    int64_t rows;

    (void)rep;
    TRY(limit_check(call, req->name, req->subject, req->key));
    TRY(subject_spell(call, req->subject, &ref.subject));
    TRY(limit_check_rank(call, ref.subject, ref.key));
    TRY(pg_run(call->pg, call->arena, DROP_LIMIT,
        PG_ARGS(pg_text(ref.name), pg_text(ref.subject), pg_text(ref.key), pg_text(req->subject)), &rows));
    if (rows == 0) return OK; /* said twice */
    TRY(audit_record(call, "limit.unset", req->name, limit_ref_shape(), &ref));
    trust_changed(call);
    return OK;
}
