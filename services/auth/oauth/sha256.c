/* sha256.c - with OpenSSL. */
// SPDX-License-Identifier: Apache-2.0
#include "services/auth/oauth/sha256.h"

#include <openssl/evp.h>
#include <stdlib.h>

#include "libshared/base/base64.h"

struct str sha256_of(struct arena *arena, struct str text)
{
    unsigned char *hash = arena_alloc(arena, SHA256_BYTES);

    if (EVP_Digest(text.at, text.len, hash, NULL, EVP_sha256(), NULL) != 1) abort();
    return (struct str){ (const char *)hash, SHA256_BYTES };
}

struct str sha256_text(struct arena *arena, struct str text)
{
    char *out = arena_alloc(arena, SHA256_TEXT_CHARS + 1);

    base64url_encode((const unsigned char *)sha256_of(arena, text).at, SHA256_BYTES, out);
    return (struct str){ out, SHA256_TEXT_CHARS };
}
