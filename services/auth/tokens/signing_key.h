/* signing_key.h - the ES256 keys that tokens are signed with. */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/db/pg.h"

/* The newest key takes over this long after it was made: by then every gateway has heard of it. */
#define SIGNING_KEY_LEAD_MS 60000

struct jwk {
    char x[44], y[44], kid[44];
}; /* kid: RFC 7638 thumbprint; all base64url of 32 bytes */

/* A new P-256 pair as PEM, in the arena. */
void signing_key_make(struct arena *arena, struct str *private_pem, struct str *public_pem);
bool signing_key_jwk(struct str public_pem, struct jwk *out);

/* As PEM, in the arena, from what the row of that kid has in its column `sealed`. */
enum err signing_key_open(struct arena *arena, struct str kid, struct str sealed, struct str *private_pem) MUST_CHECK;

/* Make the first key, or the next one if the newest is older than `days` or lay in the database as it is; forget retired ones.  A token lives ttl_max_s
 * at most.  *changed: gateways need to hear.  Serialised over all processes by an advisory lock. */
enum err signing_keys_turn(
    struct pg *pg, struct arena *arena, int64_t now, int64_t days, int64_t ttl_max_s, bool *changed) MUST_CHECK;
