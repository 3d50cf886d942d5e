/* issuer.c - who gives something over the network gives no more than they have. */
// SPDX-License-Identifier: Apache-2.0
#include "services/auth/keys/issuer.h"

#include "libshared/base/network.h"
#include "libshared/policy/policy_within.h"
#include "services/auth/users/users.h"

static enum err check_state(struct str state)
{
    if (str_is(state, "revoked")) return ERR_KEY_REVOKED;
    if (str_is(state, "disabled")) return ERR_KEY_DISABLED;
    return str_is(state, "expired") ? ERR_KEY_EXPIRED : OK;
}

enum err issuer_load(struct call *call, struct issuer *out)
{
    *out = (struct issuer){ .is_bounded = str_is(call->peer_name, "gateway") };
    if (!out->is_bounded) return OK;
    if (call->who->narrowed)
        return call_fail(call, ERR_FORBIDDEN, "a token that narrows its policy gives nothing to others");
    TRY(policy_get(call, &(struct policy_ref){ call->who->policy }, &out->policy));
    if (call->who->key.len == 0) return OK;
    TRY(key_load(call, call->who->key, &out->key));
    TRY(check_state(out->key.state));
    if (out->key.uses_left >= 0)
        return call_fail(call, ERR_FORBIDDEN, "a key for a number of tokens gives nothing to others");
    return OK;
}

struct str issuer_name(const struct call *call, const struct issuer *issuer)
{
    return issuer->is_bounded ? call->who->sub : STR_NONE;
}

enum err issuer_check_rules(
    struct call *call, const struct issuer *issuer, struct str name, const struct policy_rule_list *rules)
{
    if (!issuer->is_bounded || policy_within(rules, &issuer->policy.rules)) return OK;
    return call_fail(call, ERR_FORBIDDEN, "policy: %.*s may allow what your own, %.*s, does not", STR_ARG(name),
        STR_ARG(issuer->policy.name));
}

static enum err check_policy(struct call *call, const struct issuer *issuer, struct str name)
{
    struct policy policy = { .version = 0 };

    if (!issuer->is_bounded || str_eq(name, issuer->policy.name)) return OK;
    TRY(policy_get(call, &(struct policy_ref){ name }, &policy));
    return issuer_check_rules(call, issuer, name, &policy.rules);
}

enum err issuer_may_give(struct call *call, struct str policy)
{
    struct issuer issuer;

    TRY(issuer_load(call, &issuer));
    return check_policy(call, &issuer, policy);
}

/* --- who is ended --- */

enum err issuer_outranks(struct call *call, struct str name)
{
    struct policy policy = { .version = 0 };
    struct issuer issuer;

    TRY(issuer_load(call, &issuer));
    if (!issuer.is_bounded || str_eq(name, issuer.policy.name)) return OK;
    TRY(policy_get(call, &(struct policy_ref){ name }, &policy));
    if (policy_admin_within(&policy.rules, &issuer.policy.rules)) return OK;
    return call_fail(call, ERR_FORBIDDEN, "policy: %.*s may allow in /admin what your own, %.*s, does not",
        STR_ARG(name), STR_ARG(issuer.policy.name));
}

enum err issuer_outranks_key(struct call *call, struct str id)
{
    struct api_key key = { .id = STR_NONE };
    enum err e = key_load(call, id, &key);

    return e == OK ? issuer_outranks(call, key.policy) : e == ERR_NOT_FOUND ? OK : e;
}

enum err issuer_outranks_subject(struct call *call, struct str subject)
{
    struct account account;
    struct id id;

    if (str_starts(subject, STR("key:"))) return issuer_outranks_key(call, str_skip(subject, 4));
    if (!id_parse(subject, &id)) return OK;
    enum err e = account_by_id(call->pg, call->arena, id, &account);
    return e == OK ? issuer_outranks(call, account.policy) : e == ERR_NOT_FOUND ? OK : e;
}

enum err issuer_outranks_all(struct call *call)
{
    struct str namespaces[] = { STR("/admin") }, actions[] = { STR("admin") };
    struct policy_rule rule = { .effect = STR("allow"), .namespaces = { namespaces, 1 }, .actions = { actions, 1 } };
    struct issuer issuer;

    TRY(issuer_load(call, &issuer));
    if (!issuer.is_bounded || policy_admin_within(&(struct policy_rule_list){ &rule, 1 }, &issuer.policy.rules))
        return OK;
    return call_fail(
        call, ERR_FORBIDDEN, "policy: your own, %.*s, does not allow all in /admin", STR_ARG(issuer.policy.name));
}

/* --- a key --- */

static bool is_within_any(struct str network, struct str_list networks)
{
    struct network inner, outer;

    for (size_t i = 0; i < networks.len; i++)
        if (network_parse(network, &inner) && network_parse(networks.at[i], &outer) && inner.bits >= outer.bits &&
            network_has(&outer, &inner.at))
            return true;
    return false;
}

static enum err check_networks(struct call *call, const struct api_key *own, const struct api_key *key)
{
    bool good = own->networks.len == 0 || key->networks.len > 0;

    for (size_t i = 0; i < key->networks.len && own->networks.len > 0; i++)
        good = good && is_within_any(key->networks.at[i], own->networks);
    if (!good || (own->networks.len > 0 && own->bind_tokens && !key->bind_tokens))
        return call_fail(call, ERR_FORBIDDEN, "networks: your own key is bound to some, and this one would be less so");
    return OK;
}

static enum err check_rights(struct call *call, const struct api_key *own, const struct api_key *key)
{
    if (key->impersonate && !own->impersonate)
        return call_fail(call, ERR_FORBIDDEN, "impersonate: your own key lacks that right");
    if (key->act_as_users && !own->act_as_users)
        return call_fail(call, ERR_FORBIDDEN, "act_as_users: your own key lacks that right");
    return OK;
}

static bool has_limit(struct key_limit_list limits, const struct key_limit *most)
{
    for (size_t i = 0; i < limits.len; i++)
        if (str_eq(limits.at[i].name, most->name)) return limits.at[i].limit <= most->limit;
    return false;
}

static enum err check_limits(struct call *call, const struct api_key *own, const struct api_key *key)
{
    for (size_t i = 0; i < own->limits.len; i++)
        if (!has_limit(key->limits, &own->limits.at[i]))
            return call_fail(call, ERR_FORBIDDEN, "limits: your own key has at most %lld of %.*s",
                (long long)own->limits.at[i].limit, STR_ARG(own->limits.at[i].name));
    return OK;
}

static enum err check_expiry(struct call *call, const struct api_key *own, const struct api_key *key)
{
    if (own->expires_at == 0 || (key->expires_at != 0 && key->expires_at <= own->expires_at)) return OK;
    return call_fail(call, ERR_FORBIDDEN, "expires_in_s: your own key ends earlier");
}

enum err issuer_check(struct call *call, const struct issuer *issuer, const struct api_key *key)
{
    const struct api_key *own = &issuer->key;

    if (!issuer->is_bounded) return OK;
    TRY(check_policy(call, issuer, key->policy));
    if (own->id.len == 0) return OK;
    TRY(check_networks(call, own, key));
    TRY(check_rights(call, own, key));
    TRY(check_limits(call, own, key));
    return check_expiry(call, own, key);
}

enum err issuer_check_key(struct call *call, const struct issuer *issuer, struct str id)
{
    struct api_key key = { .id = STR_NONE };

    if (!issuer->is_bounded) return OK;
    TRY(key_load(call, id, &key));
    return issuer_check(call, issuer, &key);
}

enum err issuer_may_touch(struct call *call, struct str id)
{
    struct issuer issuer;

    TRY(issuer_load(call, &issuer));
    return issuer_check_key(call, &issuer, id);
}
