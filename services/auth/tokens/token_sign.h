/* token_sign.h - the JWT itself. */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/wire/records.h"

struct token_claims {
    const char *issuer, *audience;
    struct str subject, key, name, policy; /* key and name may be none */
    const struct token_draft *draft;       /* for its cap, or NULL */
    struct str session;                    /* of a user's; none: one of its own */
    struct str email;                      /* may be none */
    struct str_list methods;               /* amr: by what the session was authenticated; none: it was by a key */
    int64_t authenticated_s;               /* auth_time, with methods */
    bool pending;                          /* a second factor is asked for */
    int64_t issued_s, expires_s;
};

/* ES256, the token in the arena.  ERR_INTERNAL: the key is none. */
enum err token_sign(struct arena *arena, const struct token_claims *claims, struct str kid, struct str private_pem,
    struct str *out) MUST_CHECK;

/* Whole seconds.  ended_at: the subject's tokens that were issued up to then have ended, or 0; one of that second would have
 * ended with them. */
int64_t token_issued_s(int64_t now, int64_t ended_at);
