/* key_revoke.c - a key ends, and with it every token that was made from it. */
// SPDX-License-Identifier: Apache-2.0
#include "services/auth/auth.h"

static const char REVOKE_KEY[] = "UPDATE api_key SET revoked_at = $2 WHERE id = $1 AND revoked_at IS NULL";

static const char REVOKED_KEY[] =
    "SELECT id, name, policy, networks::text[] AS networks, impersonate, act_as_users, bind_tokens, created_at,"
    " expires_at, last_used_at,"
    " 'revoked' AS state FROM api_key WHERE id = $1";

enum err key_revoke(struct call *call, const struct key_ref *ref, struct api_key *rep)
{
    int64_t rows;

    TRY(pg_run(call->pg, call->arena, REVOKE_KEY, PG_ARGS(pg_text(ref->id), pg_time(call->now)), &rows));
    enum err e = pg_one(call->pg, call->arena, api_key_shape(), rep, REVOKED_KEY, PG_ARGS(pg_text(ref->id)));
    if (e == ERR_NOT_FOUND) return call_fail(call, e, "there is no key %.*s", STR_ARG(ref->id));
    TRY(e);
    if (rows == 0) /* asked again: it was revoked before */
        return OK;
    TRY(audit_add(call, "key.revoke", ref->id, STR("{}")));
    trust_changed(call);
    return OK;
}
