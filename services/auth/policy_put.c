/* policy_put.c - a policy is made or replaced; live sockets obey it at once. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/policy/policy_set.h"
#include "services/auth/auth.h"

#define POLICIES_MAX 256 /* proto/auth.def: policy_page */

/* The same rules again change nothing, so that a repeated request is harmless.  A version says which one is replaced. */
static const char PUT_POLICY[] = "INSERT INTO policy (name, version, rules) VALUES ($1, 1, ($2::jsonb)->'rules')"
                                 " ON CONFLICT (name) DO UPDATE SET rules = excluded.rules, changed_at = now(),"
                                 " version = policy.version + (policy.rules <> excluded.rules)::int"
                                 " WHERE $3 = 0 OR policy.version = $3 OR policy.rules = excluded.rules"
                                 " RETURNING name, version, rules";

static const char COUNT_OTHERS[] = "SELECT count(*) AS version FROM policy WHERE name <> $1";

static enum err policy_json(struct arena *arena, const struct policy *policy, struct str *out)
{
    struct buf bytes = BUF(4u << 20), json = BUF(4u << 20);
    enum err e = wire_encode(policy_shape(), policy, &bytes);

    if (e == OK) e = wire_to_json(policy_shape(), buf_str(&bytes), &json);
    if (e == OK) *out = arena_str(arena, buf_str(&json));
    buf_free(&bytes);
    buf_free(&json);
    return e;
}

static enum err check_rules(struct call *call, const struct policy *draft)
{
    struct policy_compiled *compiled = NULL;
    enum err e = policy_compile(draft->name, &draft->rules, &compiled, call->why);

    policy_ref_drop(&compiled);
    return e;
}

static enum err check_room(struct call *call, struct str name)
{
    struct policy others = { .version = 0 };

    TRY(pg_one(call->pg, call->arena, policy_shape(), &others, COUNT_OTHERS, PG_ARGS(pg_text(name))));
    if (others.version >= POLICIES_MAX)
        return call_fail(call, ERR_TOO_LARGE, "there are %d policies already", POLICIES_MAX);
    return OK;
}

enum err policy_put(struct call *call, const struct policy *draft, struct policy *rep)
{
    struct str json;

    TRY(check_rules(call, draft));
    TRY(check_room(call, draft->name));
    TRY(policy_json(call->arena, draft, &json));

    enum err e = pg_one(call->pg, call->arena, policy_shape(), rep, PUT_POLICY,
        PG_ARGS(pg_text(draft->name), pg_text(json), pg_int(draft->version)));
    if (e == ERR_NOT_FOUND)
        return call_fail(
            call, ERR_CONFLICT, "version: the policy has changed since version %lld", (long long)draft->version);
    TRY(e);
    TRY(audit_add(call, "policy.put", draft->name, json));
    return trust_changed(call);
}
