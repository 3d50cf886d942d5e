/* policy_delete.c - a policy that nothing has any more. */
// SPDX-License-Identifier: Apache-2.0
#include "services/auth/auth.h"

/* A key keeps its policy when it is revoked: the list of keys says what it could do. */
static const char ITS_KEYS[] =
    "SELECT id, name FROM api_key WHERE policy = $1 ORDER BY revoked_at IS NOT NULL, created_at DESC LIMIT 4";

static const char DELETE_POLICY[] = "DELETE FROM policy WHERE name = $1";

static enum err refuse_used(struct call *call, struct str policy, const struct key_issued_list *keys)
{
    struct str names = STR("");
    size_t shown = keys->len < 3 ? keys->len : 3;

    for (size_t i = 0; i < shown; i++)
        names = arena_printf(call->arena, "%.*s%s%.*s (%.*s)", STR_ARG(names), i > 0 ? ", " : "",
            STR_ARG(keys->at[i].id), STR_ARG(keys->at[i].name));
    return call_fail(call, ERR_CONFLICT, "Keys have the policy %.*s: %.*s%s", STR_ARG(policy), STR_ARG(names),
        keys->len > shown ? " and others" : "");
}

enum err policy_delete(struct call *call, const struct policy_ref *ref, struct nothing *rep)
{
    struct key_issued_list keys;
    int64_t rows;

    (void)rep;
    if (str_is(ref->name, "member")) return call_fail(call, ERR_CONFLICT, "The policy member is that of new users");
    TRY(pg_all(call->pg, call->arena, key_issued_shape(), &keys, 4, ITS_KEYS, PG_ARGS(pg_text(ref->name))));
    if (keys.len > 0) return refuse_used(call, ref->name, &keys);

    enum err e = pg_run(call->pg, call->arena, DELETE_POLICY, PG_ARGS(pg_text(ref->name)), &rows);
    if (e == ERR_CONFLICT) return call_fail(call, e, "Users have the policy %.*s", STR_ARG(ref->name));
    TRY(e);
    if (rows == 0) return OK; /* said twice */
    TRY(audit_add(call, "policy.delete", ref->name, STR("{}")));
    trust_changed(call);
    return OK;
}
