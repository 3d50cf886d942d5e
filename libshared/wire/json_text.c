/* json_text.c - single values as JSON text. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/wire/json_text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char base64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static bool needs_escape(unsigned char c)
{
    return c < 0x20 || c == '"' || c == '\\';
}

/* Bytes before the first that needs an escape, eight at a time where none does. */
static size_t plain_length(struct str s)
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
        size_t plain = plain_length(s);
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

static void put_triple(struct buf *out, const uint8_t *p, size_t left)
{
    unsigned word = (unsigned)p[0] << 16 | (left > 1 ? p[1] : 0u) << 8 | (left > 2 ? p[2] : 0u);

    buf_add(out,
        (char[]){ base64[word >> 18], base64[word >> 12 & 63], left > 1 ? base64[word >> 6 & 63] : '=',
            left > 2 ? base64[word & 63] : '=' },
        4);
}

void json_put_base64(struct buf *out, struct str bytes)
{
    buf_add_char(out, '"');
    for (size_t i = 0; i < bytes.len; i += 3) put_triple(out, (const uint8_t *)bytes.at + i, bytes.len - i);
    buf_add_char(out, '"');
}

static int digit_of(char c)
{
    const char *found = c == '\0' ? NULL : strchr(base64, c);

    return found == NULL ? -1 : (int)(found - base64);
}

/* Four characters to three bytes, of which the last `pad` are not there. */
static bool read_quad(const char *p, size_t pad, uint8_t *out)
{
    unsigned word = 0;

    for (size_t i = 0; i < 4; i++) {
        int digit = i >= 4 - pad ? 0 : digit_of(p[i]);
        if (digit < 0) return false;
        word = word << 6 | (unsigned)digit;
    }
    for (size_t i = 0; i < 3 - pad; i++) out[i] = (uint8_t)(word >> (16 - 8 * i));
    return (word & ((1u << 8 * pad) - 1)) == 0; /* one text for the same bytes, not four */
}

bool base64_decode(struct str text, uint8_t *out, size_t *len)
{
    size_t pad = 0;

    if (text.len % 4 != 0) return false;
    if (text.len > 0 && text.at[text.len - 1] == '=') pad = text.at[text.len - 2] == '=' ? 2 : 1;
    for (size_t i = 0; i < text.len; i += 4)
        if (!read_quad(text.at + i, i + 4 == text.len ? pad : 0, out + i / 4 * 3)) return false;
    *len = text.len / 4 * 3 - pad;
    return true;
}
