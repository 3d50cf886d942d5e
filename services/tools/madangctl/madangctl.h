/* madangctl.h - the nouns of madangctl, a file each, which main.c lists. */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/cli/cli.h"

extern const struct noun room_noun;
extern const struct noun share_noun;
extern const struct noun job_noun;
