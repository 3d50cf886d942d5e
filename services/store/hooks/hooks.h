/* hooks.h - what programs say by hooks: see services/chat/hooks/hooks.h. */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "services/store/store.h"

/* hook_text.c: what it says, and what of its attachments is text, as lines. */
struct str hook_text(struct arena *arena, const struct hook_post *post);
