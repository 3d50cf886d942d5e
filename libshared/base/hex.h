/* hex.h - bytes spelled in hex digits: pairs of them, and the escapes of a URL. */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/base/str.h"

extern const uint8_t hex_values[256]; /* of each digit, and one more; 0: no digit */

static inline int hex_digit(char c) /* of either case; -1: it is none */
{
    return hex_values[(unsigned char)c] - 1;
}

/* Eight digits at once: the first is the lowest byte, and the first byte of what they spell is the lowest, too. */
static inline uint64_t hex_digits(uint32_t bytes) /* lower-case */
{
    const uint64_t ones = UINT64_C(0x0101010101010101);
    uint64_t x = (bytes | (uint64_t)bytes << 16) & UINT64_C(0x0000ffff0000ffff);

    x = (x | x << 8) & UINT64_C(0x00ff00ff00ff00ff);
    x = (x >> 4 | x << 8) & ones * 0x0f;
    return x + ones * '0' + (((x + ones * 6) >> 4) & ones) * ('a' - '0' - 10);
}

static inline bool hex_bytes(uint64_t digits, uint32_t *out) /* of either case; false: they are not all digits */
{
    const uint64_t ones = UINT64_C(0x0101010101010101), letters = digits >> 6 & ones;
    uint64_t x = (digits & ones * 0x0f) + letters * 9;

    x = (x << 4 | x >> 8) & UINT64_C(0x00ff00ff00ff00ff);
    x = (x | x >> 8) & UINT64_C(0x0000ffff0000ffff);
    *out = (uint32_t)(x | x >> 16);
    return hex_digits(*out) == (digits | letters << 5);
}

/* Two lower-case digits for each byte, and a NUL. */
void hex_format(const unsigned char *bytes, size_t n, char *out);
/* A byte for two digits each.  false: it is not all digits, in pairs. */
bool hex_parse(struct str text, unsigned char *out);
/* `out` has room for from.len; *n: how many bytes came of it.  false: a % is not followed by two digits, and stands for itself. */
bool percent_decode(struct str from, bool plus_is_blank, char *out, size_t *n);
