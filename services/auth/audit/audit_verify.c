/* audit_verify.c - is the chain whole, and is it the one that somebody saw before? */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/base/hex.h"
#include "services/auth/auth.h"

static const char STATE[] =
    "SELECT (SELECT count(*) FROM audit) AS rows, (SELECT encode(hash, 'hex') FROM audit ORDER BY n DESC LIMIT 1)"
    " AS hash, coalesce(audit_broken(), 0) AS broken";

static const char ANCHOR[] = "SELECT count(*) AS rows FROM audit WHERE n = $1 AND hash = decode($2, 'hex')";

static bool is_hex(struct str text)
{
    for (size_t i = 0; i < text.len; i++)
        if (hex_digit(text.at[i]) < 0) return false;
    return true;
}

/* The schema's owner can write a new chain that is whole; it is not the one whose hash was kept elsewhere. */
static enum err check_anchor(struct call *call, const struct audit_anchor *anchor, struct audit_state *rep)
{
    struct audit_state found = { .rows = 0 };

    TRY(pg_one(
        call->pg, call->arena, audit_state_shape(), &found, ANCHOR, PG_ARGS(pg_int(anchor->n), pg_text(anchor->hash))));
    if (found.rows == 0 && (rep->broken == 0 || rep->broken > anchor->n)) rep->broken = anchor->n;
    return OK;
}

enum err audit_verify(struct call *call, const struct audit_anchor *req, struct audit_state *rep)
{
    if ((req->n > 0) != (req->hash.len > 0))
        return call_fail(call, ERR_INVALID_ARGUMENT, "hash: a row has a number and a hash");
    if (!is_hex(req->hash)) return call_fail(call, ERR_INVALID_ARGUMENT, "hash: wants 64 hex digits");
    TRY(pg_one(call->pg, call->arena, audit_state_shape(), rep, STATE, PG_NO_ARGS));
    return req->n > 0 ? check_anchor(call, req, rep) : OK;
}
