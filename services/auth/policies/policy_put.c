/* policy_put.c - a policy is made or replaced; live sockets obey it at once. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/policy/policy_set.h"
#include "services/auth/auth.h"
#include "libshared/db/rows.h"
#include "services/auth/keys/issuer.h"

#define POLICIES_MAX 256 /* proto/auth.def: policy_page */
#define POLICIES_BYTES_MAX                                                                                             \
    (4 << 20) /* of all, as JSON: each gateway keeps them all, and gets them all with each change */

/* The same rules again change nothing, so that a repeated request is harmless.  A version says which one is replaced. */
static const char PUT_POLICY[] = "INSERT INTO policy (name, version, rules) VALUES ($1, 1, ($2::jsonb)->'rules')"
                                 " ON CONFLICT (name) DO UPDATE SET rules = excluded.rules, changed_at = now(),"
                                 " version = policy.version + (policy.rules <> excluded.rules)::int"
                                 " WHERE $3 = 0 OR policy.version = $3 OR policy.rules = excluded.rules"
                                 " RETURNING name, version, rules";

struct others {
    int64_t n, bytes;
};
static const struct wire_field others_fields[] = {
    ROW_FIELD(struct others, n, INT),
    ROW_FIELD(struct others, bytes, INT),
    ROW_END,
};
static const struct wire_shape others_shape = { "others", "", sizeof(struct others), others_fields };

/* One change at a time, or two that each fit would not fit together. */
static const char LOCK[] = "LOCK TABLE policy IN SHARE ROW EXCLUSIVE MODE";

static const char SUM_OF_OTHERS[] =
    "SELECT count(*) AS n, coalesce(sum(octet_length(rules::text)), 0)::bigint AS bytes FROM policy WHERE name <> $1";

static enum err policy_json(struct arena *arena, const struct policy *policy, struct str *out)
{
    struct buf json = BUF(4u << 20);
    enum err e = wire_write_json(policy_shape(), policy, &json);

    if (e == OK) *out = arena_str(arena, buf_str(&json));
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

static enum err check_room(struct call *call, struct str name, struct str json)
{
    struct others others;

    TRY(pg_run(call->pg, call->arena, LOCK, PG_NO_ARGS, NULL));
    TRY(pg_one(call->pg, call->arena, &others_shape, &others, SUM_OF_OTHERS, PG_ARGS(pg_text(name))));
    if (others.n >= POLICIES_MAX) return call_fail(call, ERR_TOO_LARGE, "there are %d policies already", POLICIES_MAX);
    if (others.bytes + (int64_t)json.len > POLICIES_BYTES_MAX)
        return call_fail(
            call, ERR_TOO_LARGE, "rules: all policies together would have more than %d bytes", POLICIES_BYTES_MAX);
    return OK;
}

/* What it allowed before, too: nobody takes from others what they do not have themselves. */
static enum err check_author(struct call *call, const struct policy *draft)
{
    struct issuer author;

    TRY(issuer_load(call, &author));
    TRY(issuer_check_rules(call, &author, draft->name, &draft->rules));
    enum err e = issuer_may_give(call, draft->name);
    return e == ERR_NOT_FOUND ? OK : e;
}

enum err policy_put(struct call *call, const struct policy *draft, struct policy *rep)
{
    struct str json;

    TRY(check_rules(call, draft));
    TRY(check_author(call, draft));
    TRY(policy_json(call->arena, draft, &json));
    TRY(check_room(call, draft->name, json));

    enum err e = pg_one(call->pg, call->arena, policy_shape(), rep, PUT_POLICY,
        PG_ARGS(pg_text(draft->name), pg_text(json), pg_int(draft->version)));
    if (e == ERR_NOT_FOUND)
        return call_fail(
            call, ERR_CONFLICT, "version: the policy has changed since version %lld", (long long)draft->version);
    TRY(e);
    TRY(audit_add(call, "policy.put", draft->name, json));
    trust_changed(call);
    return OK;
}
