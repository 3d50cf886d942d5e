/* utf8.c - is it UTF-8, and how many code points? */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/base/str.h"

#include <string.h>

#define EACH_BYTE(b) (UINT64_C(0x0101010101010101) * (b))

static bool is_tail(unsigned char c)
{
    return (c & 0xC0) == 0x80;
}

/* Eight bytes at once: are all of them ASCII, and none a NUL? */
static bool is_plain(const unsigned char *p)
{
    uint64_t word;

    memcpy(&word, p, sizeof word);
    return ((word | (word - EACH_BYTE(1))) & EACH_BYTE(0x80)) == 0;
}

/* Bytes of the sequence at p, by table 3-7 of the Unicode standard; 0: there is none. */
static size_t sequence(const unsigned char *p, size_t left)
{
    unsigned char a = p[0], b = left > 1 ? p[1] : 0;

    if (a < 0x80) return a != 0;
    if (a < 0xC2 || a > 0xF4 || !is_tail(b)) return 0;
    if (a < 0xE0) return 2;
    if ((a == 0xE0 && b < 0xA0) || (a == 0xED && b > 0x9F)) return 0;
    if (left < 3 || !is_tail(p[2])) return 0;
    if (a < 0xF0) return 3;
    if ((a == 0xF0 && b < 0x90) || (a == 0xF4 && b > 0x8F)) return 0;
    return left >= 4 && is_tail(p[3]) ? 4 : 0;
}

bool utf8_is_valid(const char *at, size_t len)
{
    const unsigned char *p = (const unsigned char *)at;

    for (size_t i = 0; i < len;) {
        if (len - i >= 8 && is_plain(p + i)) {
            i += 8;
            continue;
        }
        size_t n = sequence(p + i, len - i);
        if (n == 0) return false;
        i += n;
    }
    return true;
}

size_t utf8_length(const char *at, size_t len)
{
    size_t n = 0;

    for (size_t i = 0; i < len; i++) n += !is_tail((unsigned char)at[i]);
    return n;
}
