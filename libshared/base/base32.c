/* base32.c - five bits a character. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/base/base32.h"

void base32_encode(const unsigned char *from, size_t len, char *out)
{
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    unsigned held = 0, bits = 0;

    for (size_t i = 0; i < len; i++) {
        held = (held << 8 | from[i]) & 0xfff;
        for (bits += 8; bits >= 5; bits -= 5) *out++ = alphabet[held >> (bits - 5) & 31];
    }
    if (bits > 0) *out++ = alphabet[held << (5 - bits) & 31];
    *out = '\0';
}
