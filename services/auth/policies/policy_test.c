/* policy_test.c - policies held against what somebody expects of them. */
// SPDX-License-Identifier: Apache-2.0
#include "services/auth/auth.h"
#include "services/auth/policies/policy_trial.h"

enum err policy_test(struct call *call, const struct policy_trial *req, struct policy_outcome *rep)
{
    const struct nothing nothing;
    struct policy_page there;

    TRY(policy_list(call, &nothing, &there));
    return policy_try(call->arena, req, &there.policies, rep, call->why);
}
