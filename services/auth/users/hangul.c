/* hangul.c - syllables taken apart into the keys of the two-set layout. */
// SPDX-License-Identifier: Apache-2.0
#include "services/auth/users/hangul.h"

#define SYLLABLES_FIRST 0xac00u
#define SYLLABLES_LAST  0xd7a3u
#define LETTERS_FIRST   0x3131u /* single ones, as keyboards make them */
#define VOWELS_FIRST    0x314fu
#define LETTERS_LAST    0x3163u
#define VOWELS          21u
#define FINALS          28u

static const char *const initials[] = { "r", "R", "s", "e", "E", "f", "a", "q", "Q", "t", "T", "d", "w", "W", "c", "z",
    "x", "v", "g" };
static const char *const vowels[VOWELS] = { "k", "o", "i", "O", "j", "p", "u", "P", "h", "hk", "ho", "hl", "y", "n",
    "nj", "np", "nl", "b", "m", "ml", "l" };
static const char *const finals[FINALS] = { "", "r", "R", "rt", "s", "sw", "sg", "e", "f", "fr", "fa", "fq", "ft", "fx",
    "fv", "fg", "a", "q", "qt", "t", "T", "d", "w", "c", "z", "x", "v", "g" };
static const char *const consonants[] = { "r", "R", "rt", "s", "sw", "sg", "e", "E", "f", "fr", "fa", "fq", "ft", "fx",
    "fv", "fg", "a", "q", "Q", "qt", "t", "T", "d", "w", "W", "c", "z", "x", "v", "g" };

/* Of valid UTF-8. */
static size_t read_point(const char *at, unsigned *point)
{
    const unsigned char *u = (const unsigned char *)at;

    *point = u[0];
    if (u[0] < 0x80) return 1;
    if (u[0] < 0xe0) {
        *point = (unsigned)(u[0] & 31) << 6 | (u[1] & 63);
        return 2;
    }
    if (u[0] < 0xf0) {
        *point = (unsigned)(u[0] & 15) << 12 | (unsigned)(u[1] & 63) << 6 | (u[2] & 63);
        return 3;
    }
    *point = (unsigned)(u[0] & 7) << 18 | (unsigned)(u[1] & 63) << 12 | (unsigned)(u[2] & 63) << 6 | (u[3] & 63);
    return 4;
}

static bool add_keys(unsigned point, struct buf *out)
{
    if (point >= SYLLABLES_FIRST && point <= SYLLABLES_LAST) {
        unsigned n = point - SYLLABLES_FIRST;
        buf_add_str(out, str_of(initials[n / (VOWELS * FINALS)]));
        buf_add_str(out, str_of(vowels[n / FINALS % VOWELS]));
        buf_add_str(out, str_of(finals[n % FINALS]));
    } else if (point >= VOWELS_FIRST && point <= LETTERS_LAST) {
        buf_add_str(out, str_of(vowels[point - VOWELS_FIRST]));
    } else if (point >= LETTERS_FIRST && point < VOWELS_FIRST) {
        buf_add_str(out, str_of(consonants[point - LETTERS_FIRST]));
    } else {
        return false;
    }
    return true;
}

void hangul_keys(struct str text, struct buf *out)
{
    unsigned point;

    for (size_t i = 0, n = 0; i < text.len; i += n) {
        n = read_point(text.at + i, &point);
        if (!add_keys(point, out)) buf_add(out, text.at + i, n);
    }
}
