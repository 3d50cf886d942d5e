/* policy.h - authctl policy ...: what its files share. */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "services/auth/authctl/authctl.h"

/* A list of rules, or an object as `policy show --json` prints it; it gets this name.  An exit code. */
int policy_from_file(const struct command_line *line, struct str name, struct str file, struct policy *out);
void policy_print_rule(size_t number, const struct policy_rule *rule);

int policy_test_file(const struct command_line *line);
int policy_diff_file(const struct command_line *line);
