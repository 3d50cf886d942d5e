/* key_revoke.c - a key ends, and with it every token that was made from it. */
// SPDX-License-Identifier: Apache-2.0
#include "services/auth/keys/issuer.h"

static const char REVOKE_KEY[] = "UPDATE api_key SET revoked_at = $2 WHERE id = $1 AND revoked_at IS NULL";

enum err key_revoke(struct call *call, const struct key_ref *ref, struct api_key *rep)
{
    int64_t rows;

    TRY(issuer_may_touch(call, ref->id));
    TRY(pg_run(call->pg, call->arena, REVOKE_KEY, PG_ARGS(pg_text(ref->id), pg_time(call->now)), &rows));
    TRY(key_load(call, ref->id, rep));
    if (rows == 0) /* asked again: it was revoked before */
        return OK;
    TRY(audit_add(call, "key.revoke", ref->id, STR("{}")));
    trust_changed(call);
    return OK;
}
