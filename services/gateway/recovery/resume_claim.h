/* resume_claim.h - what a client says in its CONNECT about who it was. */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/base/arena.h"

#define RESUME_PID_CHARS 20

struct resume_claim {
    struct str pid, offset; /* STR_NONE: absent, or not of the form of ours */
};
struct resume_claim resume_claim_read(struct str auth, struct arena *arena);
