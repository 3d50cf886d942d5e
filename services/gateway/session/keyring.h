/*
 * keyring.h - an API key where a token is wanted.
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

#include "services/gateway/session/bearer.h"
#include "services/gateway/session/guesses.h"

struct keyring;

/* OK: the rights are the callee's to drop.  Else there are none, and `why` is what to tell, valid during the call. */
typedef void keyring_done(void *arg, enum err e, const struct failure *why, const struct rights *rights);

struct keyring *keyring_create(
    struct bearers *bearers, struct guesses *guesses, struct rates *rates, struct rpc_client *auth);
void keyring_destroy(struct keyring **keyring); /* after the pipe to auth, whose end answers all who wait */
/* What is trusted has changed, and a secret may have ended: no token is used before auth was asked again. */
void keyring_doubt(struct keyring *keyring);

bool keyring_is_key(struct str credential); /* by how it begins */
/* What the key may do.  `done` is called once, now or later.  A key that is refused counts as one of RATE_auth by its
 * address, and one that has no key's form as one of RATE_malformed. */
void keyring_rights(
    struct keyring *keyring, struct str key, struct str address, struct str trace, keyring_done *done, void *arg);
/* For who asks auth with a key, which has a key's form: its turn, as guesses.h has it, or why not. */
void keyring_present(struct keyring *keyring, struct str key, struct str address, guess_turn *turn, void *arg);
