/* hex.c - bytes spelled in hex digits. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/base/hex.h"

/* clang-format off */
const uint8_t hex_values[256] = {
    ['0'] = 1, ['1'] = 2, ['2'] = 3, ['3'] = 4, ['4'] = 5, ['5'] = 6, ['6'] = 7, ['7'] = 8, ['8'] = 9, ['9'] = 10,
    ['a'] = 11, ['b'] = 12, ['c'] = 13, ['d'] = 14, ['e'] = 15, ['f'] = 16,
    ['A'] = 11, ['B'] = 12, ['C'] = 13, ['D'] = 14, ['E'] = 15, ['F'] = 16,
};
/* clang-format on */

void hex_format(const unsigned char *bytes, size_t n, char *out)
{
    static const char digits[] = "0123456789abcdef";

    for (size_t i = 0; i < n; i++) {
        *out++ = digits[bytes[i] >> 4];
        *out++ = digits[bytes[i] & 15];
    }
    *out = '\0';
}

static bool parse_pair(const char *at, unsigned char *out)
{
    int high = hex_digit(at[0]), low = hex_digit(at[1]);

    if (high < 0 || low < 0) return false;
    *out = (unsigned char)(high << 4 | low);
    return true;
}

bool hex_parse(struct str text, unsigned char *out)
{
    for (size_t i = 0; i + 1 < text.len; i += 2)
        if (!parse_pair(text.at + i, out++)) return false;
    return text.len % 2 == 0;
}

bool percent_decode(struct str from, bool plus_is_blank, char *out, size_t *n)
{
    bool good = true;
    unsigned char byte;

    *n = 0;
    for (size_t i = 0; i < from.len; i++) {
        char c = from.at[i];
        if (c == '+' && plus_is_blank) {
            c = ' ';
        } else if (c == '%' && from.len - i > 2 && parse_pair(from.at + i + 1, &byte)) {
            c = (char)byte;
            i += 2;
        } else if (c == '%') {
            good = false;
        }
        out[(*n)++] = c;
    }
    return good;
}
