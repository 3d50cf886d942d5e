/*
 * policy_within.h - does a policy allow nothing that another one does not allow?  So nobody gives more than they have.
 *
 * Yes is certain: whatever the inner one allows, to whom and in which room, the outer one allows.  No may be wrong: where an
 * allow of the inner one needs several of the outer one's together, or one of the outer one's denies is told in other words by
 * the inner one, and where to compare them would take too long.
 */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/wire/records.h"

/* Lists that policy_compile() takes. */
bool policy_within(const struct policy_rule_list *inner, const struct policy_rule_list *outer);
/* The same of what they allow in /admin alone: who is nobody there is within everybody. */
bool policy_admin_within(const struct policy_rule_list *inner, const struct policy_rule_list *outer);
