/* key_commands.h - what the commands of keys do besides what their rows say. */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "services/auth/authctl/authctl.h"

int key_check(const struct command_line *line);
int key_take_issue_limits(const struct command_line *line, void *req);
int key_take_edit_limits(const struct command_line *line, void *req);
void key_print(const void *req, const void *rep); /* an api_key */
