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
static bool is_plain_word(uint64_t word)
{
    return ((word | (word - EACH_BYTE(1))) & EACH_BYTE(0x80)) == 0;
}

static uint64_t word_at(const unsigned char *p)
{
    uint64_t word;

    memcpy(&word, p, sizeof word);
    return word;
}

/* Fewer than eight, in a word: two reads that overlap, and of three bytes the middle one besides. */
static uint64_t short_word(const unsigned char *p, size_t len)
{
    uint32_t first, last;

    if (len >= sizeof first) {
        memcpy(&first, p, sizeof first);
        memcpy(&last, p + len - sizeof last, sizeof last);
        return (uint64_t)last << 32 | first;
    }
    return EACH_BYTE(' ') << 24 | (uint64_t)p[len / 2] << 16 | (uint64_t)p[len - 1] << 8 | p[0];
}

typedef uint64_t word_pair __attribute__((vector_size(16)));

/* Whole pairs of words: as is_plain_word(). */
static bool are_plain_pairs(const unsigned char *p, size_t len)
{
    word_pair high = { 0 }, pair;

    for (size_t i = 0; i < len; i += sizeof pair) {
        memcpy(&pair, p + i, sizeof pair);
        high |= pair | (pair - EACH_BYTE(1));
    }
    return ((high[0] | high[1]) & EACH_BYTE(0x80)) == 0;
}

/* Most texts are short and ASCII.  The last words overlap those before them, so no byte is looked at alone. */
static bool is_plain(const unsigned char *p, size_t len)
{
    if (len == 0) return true;
    if (len < 8) return is_plain_word(short_word(p, len));
    if (len < 16) return is_plain_word(word_at(p)) && is_plain_word(word_at(p + len - 8));
    return are_plain_pairs(p, len / 16 * 16) && are_plain_pairs(p + len - 16, 16);
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

    if (is_plain(p, len)) return true;
    for (size_t i = 0; i < len;) {
        if (len - i >= 8 && is_plain_word(word_at(p + i))) {
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
    const unsigned char *p = (const unsigned char *)at;
    size_t n = 0, i = 0;

    for (; len - i >= 8; i += 8) {
        uint64_t word = word_at(p + i), tails = word & ~(word << 1) & EACH_BYTE(0x80); /* 10xxxxxx */
        n += 8 - (size_t)((tails >> 7) * EACH_BYTE(1) >> 56);
    }
    for (; i < len; i++) n += !is_tail(p[i]);
    return n;
}
