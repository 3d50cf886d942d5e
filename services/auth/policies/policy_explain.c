/* policy_explain.c - which rule decides a given case, and what that means. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/policy/policy_set.h"
#include "services/auth/auth.h"

static struct str reason_of(
    struct arena *arena, struct policy_answer answer, size_t n_rules, const struct policy_question *question)
{
    if (answer.rule < 0 && question->action == POLICY_PUBLISH)
        return arena_printf(arena,
            "none of %zu rules fits that has publish among its actions and this event, or what it begins with, among "
            "its"
            " events, so it is denied",
            n_rules);
    if (answer.rule < 0 && str_is(question->namespace, "/admin"))
        return arena_printf(arena,
            "none of %zu rules fits that has /admin among its namespaces, which is opened in so many words alone, so "
            "it is "
            "denied",
            n_rules);
    if (answer.rule < 0) return arena_printf(arena, "none of %zu rules fits, so it is denied", n_rules);
    if (answer.allowed) return arena_printf(arena, "rule %d allows it, and no rule that fits denies it", answer.rule);
    return arena_printf(arena, "rule %d denies it, and a deny wins over every allow", answer.rule);
}

enum err policy_explain(struct call *call, const struct policy_case *req, struct policy_verdict *rep)
{
    struct policy policy = { .version = 0 };
    struct policy_compiled *compiled = NULL;
    struct policy_question question = { req->namespace, req->event, req->room, req->subject, POLICY_CONNECT };

    if (!policy_action_parse(req->action, &question.action))
        return call_fail(call, ERR_INVALID_ARGUMENT, "action: connect, emit, subscribe, publish, history or admin");
    TRY(policy_get(call, &(struct policy_ref){ req->policy }, &policy));
    TRY(policy_compile(policy.name, &policy.rules, &compiled, call->why));

    struct policy_answer answer = policy_ask(compiled, &question);
    policy_ref_drop(&compiled);
    rep->allowed = answer.allowed;
    rep->rule = answer.rule;
    rep->reason = reason_of(call->arena, answer, policy.rules.len, &question);
    return OK;
}
