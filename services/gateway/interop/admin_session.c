/* admin_session.c - signed names of logins. */
// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/interop/admin_session.h"

#include <assert.h>
#include <inttypes.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <string.h>

#include "libshared/base/hex.h"
#include "libshared/base/secret.h"

#define PURPOSE "madang admin session"

static void sign_session(unsigned char out[SHA256_DIGEST_LENGTH], const char *user, const char *hash, int64_t ends_s)
{
    char text[200];
    unsigned len = 0;
    int n = snprintf(text, sizeof text, PURPOSE "\n%" PRId64 "\n%s", ends_s, user);

    assert(n > 0 && (size_t)n < sizeof text);
    const void *made = HMAC(EVP_sha256(), hash, (int)strlen(hash), (unsigned char *)text, (size_t)n, out, &len);
    assert(made != NULL && len == SHA256_DIGEST_LENGTH);
    (void)made;
}

void admin_session_make(char out[ADMIN_SESSION_MAX], const char *user, const char *hash, int64_t ends_s)
{
    unsigned char signature[SHA256_DIGEST_LENGTH];
    int n = snprintf(out, ADMIN_SESSION_MAX, "%" PRId64 ".", ends_s);

    sign_session(signature, user, hash, ends_s);
    hex_format(signature, sizeof signature, out + n);
}

bool admin_session_is_good(struct str session, const char *user, const char *hash, int64_t now_s)
{
    char want[ADMIN_SESSION_MAX];
    int64_t ends_s;
    size_t dot;

    if (!str_find(session, '.', &dot) || !str_to_int((struct str){ session.at, dot }, &ends_s) || ends_s <= now_s)
        return false;
    admin_session_make(want, user, hash, ends_s);
    return session.len == strlen(want) && secret_eq(session.at, want, session.len);
}
