/* madangctl.h - the nouns of madangctl, a file each, which main.c lists. */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/cli/cli.h"

extern const struct noun room_noun;
extern const struct noun share_noun;
extern const struct noun user_noun;
extern const struct noun job_noun;

/* room.c: the line that is typed after this question is that text. */
bool confirmed(const char *question, struct str text);
