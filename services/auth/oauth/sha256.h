/* sha256.h - what is known of a secret without it: RFC 7636 4.2. */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/base/arena.h"

#define SHA256_BYTES      32
#define SHA256_TEXT_CHARS 43

struct str sha256_of(struct arena *arena, struct str text);   /* its bytes */
struct str sha256_text(struct arena *arena, struct str text); /* in base64url */
