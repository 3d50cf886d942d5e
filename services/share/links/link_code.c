/* link_code.c - codes of links: what their URLs end with. */
// SPDX-License-Identifier: Apache-2.0
#include <openssl/evp.h>
#include <stdlib.h>

#include "libshared/base/secret.h"
#include "services/share/links/links.h"

#define PURPOSE "share_link"

/* Without what is easily taken for another: 0, O, I and l. */
static const char alphabet[] = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
#define LETTERS (sizeof alphabet - 1)
#define EVEN    (256 / LETTERS * LETTERS) /* from there on some letters would be likelier */

void link_code_make(char out[LINK_CODE_CHARS + 1])
{
    size_t n = 0;

    while (n < LINK_CODE_CHARS) {
        unsigned char byte;
        secret_random(&byte, 1);
        if (byte < EVEN) out[n++] = alphabet[byte % LETTERS];
    }
    out[n] = '\0';
}

struct str link_code_hash(struct arena *arena, struct str code)
{
    struct str spelled = arena_printf(arena, "%s%c%.*s", PURPOSE, '\0', STR_ARG(code));
    unsigned char *hash = arena_alloc(arena, LINK_HASH_BYTES);

    if (EVP_Digest(spelled.at, spelled.len, hash, NULL, EVP_sha256(), NULL) != 1) abort();
    return (struct str){ (const char *)hash, LINK_HASH_BYTES };
}
