/* audit_export.c - the chain, as it was hashed, for whoever wants to verify it without us. */
// SPDX-License-Identifier: Apache-2.0
#include "services/auth/auth.h"

#define LINKS_MAX 1000      /* proto/auth.def: audit_chain */
#define ROW_BYTES "4000000" /* of rows beyond the first one */

/* migrations/auth/0001: audit_hash(). */
static const char LINKS[] =
    "SELECT n, hash, prev, row FROM (SELECT n, hash, prev, row, sum(octet_length(row)) OVER (ORDER BY n)"
    " - octet_length(row) AS before FROM (SELECT n, encode(hash, 'hex') AS hash, encode(prev, 'hex') AS prev,"
    " jsonb_build_array(n, (extract(epoch FROM at) * 1000000)::bigint, who, what, target, detail)::text AS row"
    " FROM audit WHERE n > $1 ORDER BY n LIMIT $2) link) page WHERE before < " ROW_BYTES " ORDER BY n";

static const char NEWEST[] = "SELECT coalesce(max(n), 0) AS rows FROM audit";

enum err audit_export(struct call *call, const struct audit_after *req, struct audit_chain *rep)
{
    struct audit_state newest = { .rows = 0 };

    TRY(pg_all(call->pg, call->arena, audit_link_shape(), &rep->links, LINKS_MAX, LINKS,
        PG_ARGS(pg_int(req->after), pg_int(LINKS_MAX))));
    TRY(pg_one(call->pg, call->arena, audit_state_shape(), &newest, NEWEST, PG_NO_ARGS));
    rep->more = rep->links.len > 0 && rep->links.at[rep->links.len - 1].n < newest.rows;
    return OK;
}
