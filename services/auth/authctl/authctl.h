/* authctl.h - the nouns of authctl, a file each, which main.c lists. */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/cli/cli.h"

extern const struct noun key_noun;
extern const struct noun user_noun;
extern const struct noun demo_noun;
extern const struct noun subject_noun;
extern const struct noun session_noun;
extern const struct noun policy_noun;
extern const struct noun quota_noun;
extern const struct noun signing_key_noun;
extern const struct noun file_key_noun;
extern const struct noun audit_noun;
extern const struct noun ban_noun;
extern const struct noun attempts_noun;
extern const struct noun notice_noun;
extern const struct noun alert_noun;
