/* policy_trial.c - what policies answer, beside what was expected. */
// SPDX-License-Identifier: Apache-2.0
#include "services/auth/policies/policy_trial.h"

#include "libshared/policy/policy_set.h"

#define POLICIES_MAX (64 + 256) /* proto/auth.def: policy_trial, policy_page */

/* Compiled when a case first asks for them. */
struct tried {
    const struct policy *policy;
    struct policy_compiled *compiled;
};
struct tried_list {
    struct tried at[POLICIES_MAX];
    size_t len;
};

static void gather_policies(struct tried_list *all, const struct policy_list *some)
{
    for (size_t i = 0; i < some->len && all->len < COUNT(all->at); i++)
        all->at[all->len++] = (struct tried){ &some->at[i], NULL };
}

static void drop_all(struct tried_list *all)
{
    for (size_t i = 0; i < all->len; i++)
        if (all->at[i].compiled != NULL) policy_ref_drop(&all->at[i].compiled);
}

static enum err find_policy(
    struct tried_list *all, struct str name, struct policy_compiled **out, struct wire_error *why)
{
    for (size_t i = 0; i < all->len; i++) {
        struct tried *tried = &all->at[i];
        if (!str_eq(tried->policy->name, name)) continue;
        if (tried->compiled == NULL) TRY(policy_compile(name, &tried->policy->rules, &tried->compiled, why));
        *out = tried->compiled;
        return OK;
    }
    return wire_refuse(why, ERR_INVALID_ARGUMENT, "policy", "there is no policy %.*s", STR_ARG(name));
}

static enum err try_case(struct tried_list *all, const struct policy_expectation *c, int64_t number,
    struct policy_outcome *out, struct wire_error *why)
{
    struct policy_question question = { c->namespace, c->event, c->room, c->subject, POLICY_CONNECT };
    struct policy_compiled *policy = NULL;
    bool allow = str_is(c->expect, "allow");

    if (!allow && !str_is(c->expect, "deny"))
        return wire_refuse(why, ERR_INVALID_ARGUMENT, "expect", "expect: allow or deny");
    if (!policy_action_parse(c->action, &question.action))
        return wire_refuse(
            why, ERR_INVALID_ARGUMENT, "action", "action: connect, emit, subscribe, publish, history or admin");
    TRY(find_policy(all, c->policy, &policy, why));
    struct policy_answer answer = policy_ask(policy, &question);
    if (answer.allowed == allow)
        out->met++;
    else
        out->missed.at[out->missed.len++] = (struct policy_miss){ number, answer.allowed, answer.rule };
    return OK;
}

enum err policy_try(struct arena *arena, const struct policy_trial *trial, const struct policy_list *there,
    struct policy_outcome *out, struct wire_error *why)
{
    struct tried_list *all = arena_zero(arena, sizeof *all);
    struct wire_error reason = { 0 };
    enum err e = OK;

    gather_policies(all, &trial->policies);
    gather_policies(all, there);
    *out = (struct policy_outcome){ .missed.at = arena_alloc(arena, (trial->cases.len + 1) * sizeof *out->missed.at) };
    for (size_t i = 0; i < trial->cases.len && e == OK; i++) {
        e = try_case(all, &trial->cases.at[i], (int64_t)i + 1, out, &reason);
        if (e != OK) wire_refuse(why, e, "cases", "case %zu: %s", i + 1, reason.text);
    }
    drop_all(all);
    return e;
}
