/* key_disable.c - a key that is refused for a while, and its tokens with it. */
// SPDX-License-Identifier: Apache-2.0
#include "services/auth/keys/issuer.h"

static const char DISABLE_KEY[] =
    "UPDATE api_key SET disabled_at = $2 WHERE id = $1 AND disabled_at IS NULL AND revoked_at IS NULL";
static const char ENABLE_KEY[] =
    "UPDATE api_key SET disabled_at = NULL WHERE id = $1 AND disabled_at IS NOT NULL AND revoked_at IS NULL";

/* Asked again it changes nothing.  A revoked key is neither disabled nor enabled. */
static enum err finish_change(struct call *call, const char *what, struct str id, int64_t rows, struct api_key *rep)
{
    TRY(key_load(call, id, rep));
    if (str_is(rep->state, "revoked"))
        return call_fail(call, ERR_NOT_FOUND, "there is no key %.*s that is not revoked", STR_ARG(id));
    if (rows == 0) return OK;
    TRY(audit_add(call, what, id, STR("{}")));
    trust_changed(call);
    return OK;
}

enum err key_disable(struct call *call, const struct key_ref *ref, struct api_key *rep)
{
    int64_t rows;

    TRY(issuer_may_touch(call, ref->id));
    TRY(pg_run(call->pg, call->arena, DISABLE_KEY, PG_ARGS(pg_text(ref->id), pg_time(call->now)), &rows));
    return finish_change(call, "key.disable", ref->id, rows, rep);
}

enum err key_enable(struct call *call, const struct key_ref *ref, struct api_key *rep)
{
    int64_t rows;

    TRY(issuer_may_touch(call, ref->id));
    TRY(pg_run(call->pg, call->arena, ENABLE_KEY, PG_ARGS(pg_text(ref->id)), &rows));
    return finish_change(call, "key.enable", ref->id, rows, rep);
}
