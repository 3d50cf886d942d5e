/* code_hash.c - codes that open something are looked up by their hashes; the codes are kept nowhere. */
// SPDX-License-Identifier: Apache-2.0
#include <openssl/evp.h>
#include <stdlib.h>

#include "services/chat/chat.h"

struct str code_hash(struct arena *arena, const char *kind, struct str code)
{
    struct str spelled = arena_printf(arena, "%s%c%.*s", kind, '\0', STR_ARG(code));
    unsigned char *hash = arena_alloc(arena, CODE_HASH_BYTES);

    if (EVP_Digest(spelled.at, spelled.len, hash, NULL, EVP_sha256(), NULL) != 1) abort();
    return (struct str){ (const char *)hash, CODE_HASH_BYTES };
}
