/* password.h - passwords as crypt(3) has them.  All of it takes long: on a BLOCKING thread. */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/service/settings.h"

struct arena;

#define PASSWORD_BYTES_MAX  72  /* what is behind them bcrypt does not look at */
#define PASSWORD_HASH_CHARS 383 /* CRYPT_OUTPUT_SIZE, with its NUL one more */

/* What waits for its thread; wiped by whoever is done with it. */
struct password {
    char text[PASSWORD_BYTES_MAX + 1];
};

bool password_keep(struct str text, struct password *out); /* false: it has too many bytes */
void password_forget(struct password *password);

/* Is it strong enough?  The call's error says what would be better. */
struct call;
enum err password_check(struct call *call, const struct password *password, struct str email, struct str nickname);

/* By the settings, in the arena; none: it could not be hashed. */
struct str password_hash(const struct settings_auth *s, struct arena *arena, const struct password *password);
/* Is `hash` of it, of an account that may be opened?  No hash, one of a kind that we do not know, or an account that may not: false,
 * after as much work as for a wrong one. */
bool password_fits(const struct settings_auth *s, const struct password *password, struct str hash, bool may);
/* Would a hash by the settings be another kind or dearer? */
bool password_is_stale(const struct settings_auth *s, struct str hash);
