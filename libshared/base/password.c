/* password.c - hashes of passwords: bcrypt and yescrypt, from libcrypt. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/base/password.h"

#include <crypt.h>
#include <stdio.h>
#include <string.h>

#include "libshared/base/arena.h"
#include "libshared/base/secret.h"

#define YESCRYPT "$y$"
#define BCRYPT   "$2b$"

_Static_assert(PASSWORD_HASH_CHARS == CRYPT_OUTPUT_SIZE - 1, "a hash fits");

bool password_keep(struct str text, struct password *out)
{
    if (text.len > PASSWORD_BYTES_MAX) return false;
    memset(out->text, 0, sizeof out->text);
    memcpy(out->text, text.at, text.len);
    return true;
}

void password_forget(struct password *password)
{
    secret_wipe(password->text, sizeof password->text);
}

/* What crypt(3) makes of it, into out.  false: `setting` says no way to. */
static bool crypt_password(const char *text, const char *setting, char out[PASSWORD_HASH_CHARS + 1])
{
    struct crypt_data *space = mem_zero(sizeof *space); /* 32 KiB: too large for a stack */
    const char *hash = crypt_r(text, setting, space);
    bool good = hash != NULL && hash[0] == '$';

    snprintf(out, PASSWORD_HASH_CHARS + 1, "%s", good ? hash : "");
    secret_wipe(space, sizeof *space);
    mem_free(space);
    return good;
}

bool password_hash(struct password_rule rule, const struct password *password, char out[PASSWORD_HASH_CHARS + 1])
{
    char setting[CRYPT_GENSALT_OUTPUT_SIZE];
    const char *kind = rule.yescrypt ? YESCRYPT : BCRYPT;
    unsigned long cost = rule.yescrypt ? 0 : (unsigned long)rule.cost; /* 0: what libcrypt thinks right */

    if (crypt_gensalt_rn(kind, cost, NULL, 0, setting, sizeof setting) == NULL) return false;
    return crypt_password(password->text, setting, out);
}

/* Of bcrypt: the logarithm of its rounds; 0: it is none. */
static int64_t bcrypt_cost(struct str hash)
{
    int64_t cost;
    bool is_bcrypt = hash.len == 60 && (str_starts(hash, STR("$2a$")) || str_starts(hash, STR("$2b$"))) &&
                     str_to_int((struct str){ hash.at + 4, 2 }, &cost) && hash.at[6] == '$';

    return is_bcrypt ? cost : 0;
}

static bool is_known(struct str hash)
{
    return bcrypt_cost(hash) > 0 || str_starts(hash, STR(YESCRYPT));
}

bool password_is_stale(struct password_rule rule, struct str hash)
{
    if (rule.yescrypt) return !str_starts(hash, STR(YESCRYPT));
    return bcrypt_cost(hash) < rule.cost;
}

static void spend_bcrypt(const struct password *password, int64_t cost)
{
    char setting[32], hash[PASSWORD_HASH_CHARS + 1];

    snprintf(setting, sizeof setting, BCRYPT "%02d$abcdefghijklmnopqrstuu", (int)cost);
    (void)crypt_password(password->text, setting, hash);
}

/* Where there is no hash. */
static void spend_all(struct password_rule rule, const struct password *password)
{
    char hash[PASSWORD_HASH_CHARS + 1];

    if (rule.yescrypt)
        (void)crypt_password(password->text, "$y$j9T$abcdefghijklmnopqrstu.$", hash);
    else
        spend_bcrypt(password, rule.cost);
}

/* An older hash was cheaper: 2^c, 2^c, 2^(c+1) ... up to half of what is usual make up what is usual. */
static void spend_rest(struct password_rule rule, const struct password *password, struct str hash)
{
    int64_t cost = bcrypt_cost(hash);

    if (cost == 0 || rule.yescrypt) return;
    for (; cost < rule.cost; cost++) spend_bcrypt(password, cost);
}

bool password_fits(struct password_rule rule, const struct password *password, struct str hash, bool may)
{
    char want[PASSWORD_HASH_CHARS + 1], got[PASSWORD_HASH_CHARS + 1];

    if (!is_known(hash) || hash.len > PASSWORD_HASH_CHARS) {
        spend_all(rule, password);
        return false;
    }
    snprintf(want, sizeof want, "%.*s", STR_ARG(hash));
    bool fits =
        crypt_password(password->text, want, got) && strlen(got) == hash.len && secret_eq(got, want, hash.len) && may;
    if (!fits) spend_rest(rule, password, hash);
    return fits;
}
