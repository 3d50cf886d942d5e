/* es256.c - the smaller s of an ECDSA signature over P-256. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/base/es256.h"

#include <string.h>

#include "libshared/base/base64.h"

#define S_BYTES 32

/* n, the order of the group (FIPS 186, SEC 2), and the greatest s that is not the greater one. */
static const unsigned char ORDER[S_BYTES] = { 0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff, 0xff,
    0xff, 0xff, 0xff, 0xff, 0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25,
    0x51 };
static const unsigned char HALF[S_BYTES] = { 0x7f, 0xff, 0xff, 0xff, 0x80, 0x00, 0x00, 0x00, 0x7f, 0xff, 0xff, 0xff,
    0xff, 0xff, 0xff, 0xff, 0xde, 0x73, 0x7d, 0x56, 0xd3, 0x8b, 0xcf, 0x42, 0x79, 0xdc, 0xe5, 0x61, 0x7e, 0x31, 0x92,
    0xa8 };

static bool is_low(const unsigned char s[S_BYTES])
{
    return memcmp(s, HALF, S_BYTES) <= 0;
}

bool es256_is_canonical(struct str signature)
{
    unsigned char bytes[2 * S_BYTES];

    if (signature.len != ES256_CHARS || !base64url_is_canonical(signature)) return false;
    base64url_decode(signature, bytes);
    return is_low(bytes + S_BYTES);
}

void es256_canonicalize(char *signature)
{
    unsigned char bytes[2 * S_BYTES], *s = bytes + S_BYTES;
    char text[ES256_CHARS + 1];
    int borrow = 0;

    base64url_decode((struct str){ signature, ES256_CHARS }, bytes);
    if (is_low(s)) return;
    for (int i = S_BYTES - 1; i >= 0; i--) {
        int digit = ORDER[i] - s[i] - borrow;
        borrow = digit < 0;
        s[i] = (unsigned char)digit;
    }
    base64url_encode(bytes, sizeof bytes, text);
    memcpy(signature, text, ES256_CHARS);
}
