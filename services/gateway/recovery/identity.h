/* identity.h - what a client says in its CONNECT about who it was. */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/base/arena.h"

#define IDENTITY_PID_CHARS 20

struct identity {
    struct str pid, offset; /* STR_NONE: absent, or not of the form of ours */
};
struct identity identity_read(struct str auth, struct arena *arena);
