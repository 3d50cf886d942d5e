/* trusted.c - what auth says is to be trusted. */
// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/identity/trusted.h"

#include "libshared/base/log.h"
#include "services/gateway/methods.h"

#define TRUST_ARENA_BYTES (64u << 20)

struct trusted {
    void (*changed)(void *arg);
    void *arg;
    struct arena *arena; /* of the present one */
    struct trust now;
    struct bound_keys *bound; /* in the arena */
    struct limits *limits;    /* there as well */
    struct policy_compiled **policies;
    size_t n_policies;
};

struct trusted *trusted_create(void (*changed)(void *arg), void *arg)
{
    struct trusted *trusted = mem_zero(sizeof *trusted);

    trusted->changed = changed;
    trusted->arg = arg;
    return trusted;
}

static void forget_trust(struct trusted *trusted)
{
    for (size_t i = 0; i < trusted->n_policies; i++) policy_ref_drop(&trusted->policies[i]);
    mem_free(trusted->policies);
    limits_free(trusted->limits);
    arena_destroy(&trusted->arena);
}

void trusted_destroy(struct trusted **trusted)
{
    if (*trusted == NULL) return;
    forget_trust(*trusted);
    mem_free(*trusted);
    *trusted = NULL;
}

/* A policy that we can't read allows nothing: it is left out. */
static void compile_policies(struct trusted *trusted)
{
    const struct policy_list *list = &trusted->now.policies;
    struct wire_error why;

    trusted->policies = mem_zero((list->len + 1) * sizeof *trusted->policies);
    for (size_t i = 0; i < list->len; i++) {
        struct policy_compiled **at = &trusted->policies[trusted->n_policies];
        if (policy_compile(list->at[i].name, &list->at[i].rules, at, &why) == OK)
            trusted->n_policies++;
        else
            LOG(ERROR, "gateway.bad_policy", F_STR("policy", list->at[i].name), F_TEXT("why", why.text));
    }
}

enum err trusted_take(struct trusted *trusted, struct str body)
{
    struct trusted next = { .changed = trusted->changed, .arg = trusted->arg };
    struct wire_error why;

    /* bound: the decoder asks; over it the former trust stays */
    next.arena = arena_create("trusted", TRUST_ARENA_BYTES);
    enum err e = wire_decode(trust_shape(), arena_str(next.arena, body), next.arena, &next.now, &why);
    if (e != OK) {
        LOG(ERROR, "gateway.bad_trust", F_TEXT("field", why.field), F_TEXT("why", why.text));
        arena_destroy(&next.arena);
        return e;
    }
    compile_policies(&next);
    next.bound = bound_keys_make(next.arena, &next.now.bound);
    next.limits = limits_make(next.arena, &next.now.limits);
    struct trusted old = *trusted;
    *trusted = next;
    trusted->changed(trusted->arg);
    forget_trust(&old);
    return OK;
}

static void on_snapshot(void *arg, enum err status, struct str body)
{
    if (status == OK) status = trusted_take(arg, body);
    if (status != OK) LOG(ERROR, "gateway.no_trust", F_TEXT("code", err_code(status)));
}

void trusted_ask(struct trusted *trusted, struct rpc_client *auth)
{
    method_ask(auth, M_trust_watch, &(struct nothing){}, on_snapshot, trusted);
}

bool trusted_event(struct trusted *trusted, const struct frame_event *head, struct str body)
{
    if (!str_is(head->name, "trust.changed")) return false;
    enum err e = trusted_take(trusted, body);
    if (e != OK) LOG(ERROR, "gateway.no_trust", F_TEXT("code", err_code(e)));
    return true;
}

bool trusted_is_known(const struct trusted *trusted)
{
    return trusted->arena != NULL;
}

struct str trusted_issuer(const struct trusted *trusted)
{
    return trusted->now.issuer;
}

struct str trusted_audience(const struct trusted *trusted)
{
    return trusted->now.audience;
}

struct str trusted_find_key(const struct trusted *trusted, struct str kid)
{
    for (size_t i = 0; i < trusted->now.keys.len; i++)
        if (str_eq(trusted->now.keys.at[i].kid, kid)) return trusted->now.keys.at[i].pem;
    return STR_NONE;
}

struct policy_compiled *trusted_find_policy(const struct trusted *trusted, struct str name)
{
    for (size_t i = 0; i < trusted->n_policies; i++)
        if (str_eq(policy_name(trusted->policies[i]), name)) return trusted->policies[i];
    return NULL;
}

bool trusted_is_revoked(const struct trusted *trusted, struct str api_key)
{
    for (size_t i = 0; i < trusted->now.revoked.len; i++)
        if (str_eq(trusted->now.revoked.at[i], api_key)) return true;
    return false;
}

const struct bound_keys *trusted_bound_keys(const struct trusted *trusted)
{
    return trusted->bound;
}

struct limits *trusted_limits(const struct trusted *trusted)
{
    return trusted->limits;
}
