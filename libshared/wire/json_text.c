/* json_text.c - single values as JSON text. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/wire/json_text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool needs_escape(unsigned char c)
{
    return c < 0x20 || c == '"' || c == '\\';
}

size_t json_plain_length(struct str s)
{
    const uint64_t ones = UINT64_C(0x0101010101010101), tops = ones << 7;
    size_t i = 0;

    for (; s.len - i >= 8; i += 8) {
        uint64_t word;
        memcpy(&word, s.at + i, sizeof word);
        uint64_t quote = word ^ ones * '"', slash = word ^ ones * '\\';
        uint64_t hit = (word - ones * 0x20) | (quote - ones) | (slash - ones);
        /* A byte above 0x7f is never a hit of its own: it stays plain. */
        if (hit & ~word & tops) break;
    }
    while (i < s.len && !needs_escape((unsigned char)s.at[i])) i++;
    return i;
}

static void put_escape(struct buf *out, unsigned char c)
{
    static const char digits[] = "0123456789abcdef";
    static const char letters[0x20] = { ['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', ['\f'] = 'f', ['\r'] = 'r' };
    char letter = c >= 0x20 ? (char)c : letters[c];

    if (letter != 0)
        buf_add(out, (char[]){ '\\', letter }, 2);
    else
        buf_add(out, (char[]){ '\\', 'u', '0', '0', digits[c >> 4], digits[c & 15] }, 6);
}

void json_put_text(struct buf *out, struct str s)
{
    buf_add_char(out, '"');
    while (s.len > 0) {
        size_t plain = json_plain_length(s);
        buf_add(out, s.at, plain);
        s = str_skip(s, plain);
        if (s.len == 0) break;
        put_escape(out, (unsigned char)s.at[0]);
        s = str_skip(s, 1);
    }
    buf_add_char(out, '"');
}

void json_put_uint(struct buf *out, uint64_t n)
{
    char text[20];
    size_t at = sizeof text;

    do text[--at] = (char)('0' + n % 10);
    while ((n /= 10) > 0);
    buf_add(out, text + at, sizeof text - at);
}

void json_put_int(struct buf *out, int64_t n)
{
    if (n < 0) buf_add_char(out, '-');
    json_put_uint(out, n < 0 ? -(uint64_t)n : (uint64_t)n);
}

void json_put_real(struct buf *out, double r)
{
    char text[32];
    int digits = 15;

    do snprintf(text, sizeof text, "%.*g", digits, r);
    while (strtod(text, NULL) != r && ++digits <= 17);
    buf_add_str(out, str_of(text));
    if (strpbrk(text, ".e") == NULL) buf_add(out, ".0", 2); /* it was no integer, and shall not come back as one */
}

void json_put_id(struct buf *out, struct id id)
{
    char text[ID_TEXT_BYTES + 3];

    text[0] = text[ID_TEXT_BYTES + 1] = '"';
    id_format(id, text + 1);
    text[ID_TEXT_BYTES + 1] = '"';
    buf_add(out, text, ID_TEXT_BYTES + 2);
}

void json_put_base64(struct buf *out, struct str bytes)
{
    size_t chars = base64_length(bytes.len);

    buf_add_char(out, '"');
    if (buf_reserve(out, chars)) {
        base64_encode(out->at + out->len, bytes);
        out->len += chars;
    }
    buf_add_char(out, '"');
}
