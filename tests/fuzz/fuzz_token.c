/* fuzz_token.c - whatever comes as a token: what is taken has one spelling, which its own bytes give back. */
// SPDX-License-Identifier: Apache-2.0
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <string.h>

#include "libshared/base/base64.h"
#include "libshared/base/es256.h"
#include "services/gateway/identity/token_head.h"
#include "tests/fuzz/fuzz.h"

/* Between the two alphabets. */
static void turn(char *text, size_t len, const char *from, const char *to)
{
    for (size_t i = 0; i < len; i++)
        for (int k = 0; k < 2; k++)
            if (text[i] == from[k]) {
                text[i] = to[k];
                break;
            }
}

static void comes_back(const char *part, size_t len)
{
    char standard[TOKEN_BYTES_MAX], again[TOKEN_BYTES_MAX + 8];
    unsigned char bytes[TOKEN_BYTES_MAX];
    size_t n;

    memcpy(standard, part, len);
    turn(standard, len, "-_", "+/");
    PROMISE(base64_decode((struct str){ standard, len }, bytes, &n));
    base64_encode(again, (struct str){ (const char *)bytes, n });
    turn(again, len, "+/", "-_");
    PROMISE(memcmp(again, part, len) == 0);
}

/* The other s of two is the greater one, and nobody's. */
static void has_one_signature(const char *signature)
{
    char again[ES256_CHARS];

    memcpy(again, signature, sizeof again);
    es256_canonicalize(again);
    PROMISE(memcmp(again, signature, sizeof again) == 0);
}

/* By a key that is made here nothing was signed. */
static void is_not_signed(struct str token)
{
    static EVP_PKEY *key;

    if (key == NULL) key = EVP_EC_gen("P-256");
    PROMISE(!es256_is_signed(
        key, (struct str){ token.at, token.len - ES256_CHARS - 1 }, str_skip(token, token.len - ES256_CHARS)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *exact = malloc(size ? size : 1); /* so that a byte too far is seen */
    char kid[TOKEN_KID_CHARS + 1];

    memcpy(exact, data, size);
    if (token_head_read((struct str){ exact, size }, kid)) {
        const char *first = memchr(exact, '.', size);
        const char *second = memchr(first + 1, '.', size - (size_t)(first + 1 - exact));
        PROMISE(size <= TOKEN_BYTES_MAX && kid[0] != '\0' && strlen(kid) <= TOKEN_KID_CHARS);
        comes_back(exact, (size_t)(first - exact));
        comes_back(first + 1, (size_t)(second - first - 1));
        comes_back(second + 1, size - (size_t)(second + 1 - exact));
        has_one_signature(second + 1);
        is_not_signed((struct str){ exact, size });
    }
    free(exact);
    return 0;
}
