/* password.h - passwords as crypt(3) has them.  All of it takes long: on a thread of its own. */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/base/str.h"

#define PASSWORD_BYTES_MAX  72  /* what is behind them bcrypt does not look at */
#define PASSWORD_HASH_CHARS 383 /* CRYPT_OUTPUT_SIZE, with its NUL one more */

/* How passwords are hashed from now on. */
struct password_rule {
    bool yescrypt; /* else bcrypt */
    int64_t cost;  /* of bcrypt */
};

/* What waits for its thread; wiped by whoever is done with it. */
struct password {
    char text[PASSWORD_BYTES_MAX + 1];
};

bool password_keep(struct str text, struct password *out); /* false: it has too many bytes */
void password_forget(struct password *password);

bool password_hash(struct password_rule rule, const struct password *password, char out[PASSWORD_HASH_CHARS + 1]);
/* Is `hash` of it, of an account that may be opened?  No hash, one of a kind that we do not know, or an account that may not: false,
 * after as much work as for a wrong one. */
bool password_fits(struct password_rule rule, const struct password *password, struct str hash, bool may);
/* Would a hash by this rule be another kind or dearer? */
bool password_is_stale(struct password_rule rule, struct str hash);
