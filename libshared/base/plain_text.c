/* plain_text.c - names that look like what they are. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/base/plain_text.h"

#include <string.h>

#include "libshared/base/err.h"

/* Controls, blanks, what turns the direction, what is ignored when it is shown (Default_Ignorable_Code_Point), and what
 * stands for no character. */
static const struct {
    uint32_t from, to;
} unseen[] = {
    { 0x0000, 0x001F },
    { 0x007F, 0x00A0 },
    { 0x00AD, 0x00AD },
    { 0x034F, 0x034F },
    { 0x061C, 0x061C },
    { 0x115F, 0x1160 },
    { 0x1680, 0x1680 },
    { 0x17B4, 0x17B5 },
    { 0x180B, 0x180F },
    { 0x2000, 0x200F },
    { 0x2028, 0x202F },
    { 0x205F, 0x206F },
    { 0x2800, 0x2800 },
    { 0x3000, 0x3000 },
    { 0x3164, 0x3164 },
    { 0xFDD0, 0xFDEF },
    { 0xFE00, 0xFE0F },
    { 0xFEFF, 0xFEFF },
    { 0xFFA0, 0xFFA0 },
    { 0xFFF0, 0xFFFD },
    { 0x1BCA0, 0x1BCA3 },
    { 0x1D173, 0x1D17A },
    { 0xE0000, 0xE0FFF },
};

static bool is_unseen(uint32_t c)
{
    if ((c & 0xFFFE) == 0xFFFE) return true;
    for (size_t i = 0; i < COUNT(unseen) && unseen[i].from <= c; i++)
        if (c <= unseen[i].to) return true;
    return false;
}

/* Of valid UTF-8. */
static uint32_t take_code_point(struct str *rest)
{
    const unsigned char *p = (const unsigned char *)rest->at;
    size_t len = p[0] < 0x80 ? 1 : p[0] < 0xE0 ? 2 : p[0] < 0xF0 ? 3 : 4;
    uint32_t c = len == 1 ? p[0] : p[0] & (0xFFu >> (len + 1));

    for (size_t i = 1; i < len; i++) c = c << 6 | (p[i] & 0x3F);
    *rest = str_skip(*rest, len);
    return c;
}

bool text_is_plain(struct str text)
{
    if (text.len == 0 || !utf8_is_valid(text.at, text.len)) return false;
    if (text.at[0] == ' ' || text.at[text.len - 1] == ' ') return false;
    while (text.len > 0)
        if (is_unseen(take_code_point(&text))) return false;
    return true;
}

size_t text_plain_part(struct str text, size_t chars_max, char *to)
{
    size_t n = 0, chars = 0;

    while (text.len > 0 && chars < chars_max) {
        const char *at = text.at;
        if (is_unseen(take_code_point(&text))) continue;
        memcpy(to + n, at, (size_t)(text.at - at));
        n += (size_t)(text.at - at);
        chars++;
    }
    return n;
}
