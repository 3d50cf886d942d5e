/*
 * api_key_tokens.h - an API key where a token is wanted.
 *
 *      key, address --SHA-256--> its token is remembered -----------------------> rights
 *                          \---> it is not: token.issue, once for all who wait --/
 *
 * The token is the one that POST /auth/token gives for a key alone, of the subject key:<id>.  It is remembered for the
 * address too, since a key may be bound to networks; the key itself is not.  When nine tenths of its time are over, a new
 * one is asked for while it still serves: so what is remembered outlives a short absence of auth.
 */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "services/gateway/identity/bearer.h"
#include "services/gateway/identity/guesses.h"

struct api_key_tokens;

/* OK: the rights are the callee's to drop.  Else there are none, and `why` is what to tell, valid during the call. */
typedef void api_key_tokens_done(void *arg, enum err e, const struct failure *why, const struct rights *rights);

struct api_key_tokens *api_key_tokens_create(
    struct bearers *bearers, struct guesses *guesses, struct rates *rates, const struct service_pipes *auth);
void api_key_tokens_destroy(
    struct api_key_tokens **api_key_tokens); /* after the pipe to auth, whose end answers all who wait */
/* What is trusted has changed, and a secret may have ended: no token is used before auth was asked again. */
void api_key_tokens_recheck(struct api_key_tokens *api_key_tokens);

bool api_key_tokens_is_key(struct str credential); /* by how it begins */
/* What the key may do.  `done` is called once, now or later.  A key that is refused counts as one of RATE_auth by its
 * address, and one that has no key's form as one of RATE_malformed. */
void api_key_tokens_get_rights(struct api_key_tokens *api_key_tokens, struct str key, struct str address,
    struct str trace, api_key_tokens_done *done, void *arg);
/* For a caller that asks auth with a key, which has a key's form: its turn, as guesses.h has it, or why not. */
void api_key_tokens_present(
    struct api_key_tokens *api_key_tokens, struct str key, struct str address, guess_turn *turn, void *arg);
