/*
 * id_token.h - what a provider of OpenID Connect says of who signed in: a JWT, which its published keys verify.
 *
 * RS256 and ES256, by the key that its header names.  Nothing of a token is read before its signature is good.
 */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/base/arena.h"

struct id_token_wants {
    struct str issuer;        /* without "https://" it is the same one, as Google writes it */
    struct str client, nonce; /* ours */
    int64_t now_s;
};

/* NULL: it is good, and *claims is its payload, a JSON object; else why not, a code for the log.  `keys` is a JWKS. */
const char *id_token_check(
    struct arena *arena, struct str keys, struct str token, const struct id_token_wants *wants, struct str *claims);
/* Do the keys have the one that its header names?  What is no token names none that is wanted. */
bool id_token_key_is_there(struct arena *arena, struct str keys, struct str token);
