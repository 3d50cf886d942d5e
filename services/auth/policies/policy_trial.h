/* policy_trial.h - expectations of policies: the same for auth, and for authctl where there is none. */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/wire/records.h"

/* Each case of a policy of the trial, else of those that are there.  ERR_INVALID_ARGUMENT: a policy that is no policy, or a
 * case that is none or about a policy that is nowhere; `why` says which. */
enum err policy_try(struct arena *arena, const struct policy_trial *trial, const struct policy_list *there,
    struct policy_outcome *out, struct wire_error *why) MUST_CHECK;
