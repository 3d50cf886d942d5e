/* token_sign.h - the JWT itself. */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/wire/records.h"

struct token_claims {
    const char *issuer, *audience;
    struct str subject, key, name, policy; /* name may be none */
    const struct token_draft *draft;       /* for its cap */
    int64_t issued_s, expires_s;
};

/* ES256, the token in the arena.  ERR_INTERNAL: the key is none. */
enum err token_sign(struct arena *arena, const struct token_claims *claims, struct str kid, struct str private_pem,
    struct str *out) MUST_CHECK;
