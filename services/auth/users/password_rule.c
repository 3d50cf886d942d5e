/* password_rule.c - which passwords users may have, and how they are hashed. */
// SPDX-License-Identifier: Apache-2.0
#include <string.h>

#include "services/auth/users/strength.h"
#include "services/auth/users/users.h"

struct password_rule auth_password_rule(const struct settings_auth *s)
{
    return (struct password_rule){ .yescrypt = strcmp(s->password_hash, "yescrypt") == 0, .cost = s->password_cost };
}

struct str user_password_hash(const struct settings_auth *s, struct arena *arena, const struct password *password)
{
    char hash[PASSWORD_HASH_CHARS + 1];

    return password_hash(auth_password_rule(s), password, hash) ? arena_str(arena, str_of(hash)) : STR_NONE;
}

/* On the thread that hashes it: it takes some ms. */
enum err password_check(struct call *call, const struct password *password, struct str email, struct str nickname)
{
    double wanted = (double)auth_settings(call)->password_bits;

    if (wanted <= 0 || password_bits(password->text, email, nickname) >= wanted) return OK;
    return call_fail(call, ERR_PASSWORD_WEAK,
        "password: is guessed too soon; a few words that do not belong together are better, and no name, date or row "
        "of keys");
}
