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

#define ONES UINT64_C(0x0101010101010101)
#define TOPS (ONES << 7)
/* The top bits of bytes that need an escape.  A byte above 0x7f is never a hit of its own, and a borrow makes false ones only above
 * a true one. */
#define ESCAPES(word)                                                                                                  \
    (((word)-ONES * 0x20) | (((word) ^ ONES * '"') - ONES) | (((word) ^ ONES * '\\') - ONES)) & ~(word)

typedef unsigned char byte_group __attribute__((vector_size(16)));
typedef uint64_t word_pair __attribute__((vector_size(16)));

/* How many of eight bytes come before one that needs an escape; 8: there is none. */
static size_t plain_of_eight(const char *at)
{
    uint64_t word;

    memcpy(&word, at, sizeof word);
    if (__BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__) word = __builtin_bswap64(word);
    uint64_t hit = ESCAPES(word) & TOPS;
    return hit == 0 ? 8 : (size_t)__builtin_ctzll(hit) / 8;
}

static word_pair escapes_of_16(const char *at)
{
    byte_group bytes;

    memcpy(&bytes, at, sizeof bytes);
    return (word_pair)((bytes < 0x20) | (bytes == '"') | (bytes == '\\'));
}

static bool has_escape_of_32(const char *at)
{
    word_pair hits = escapes_of_16(at) | escapes_of_16(at + sizeof(byte_group));

    return (hits[0] | hits[1]) != 0;
}

/* A name ends within the first eight bytes.  The last eight overlap those before them, so that the end of a longer text is not looked
 * at one by one. */
size_t json_plain_length(struct str s)
{
    size_t i = 0, n;

    if (s.len >= 8 && (n = plain_of_eight(s.at)) < 8) return n;
    while (s.len - i >= 32 && !has_escape_of_32(s.at + i)) i += 32;
    for (; s.len - i >= 8; i += 8)
        if ((n = plain_of_eight(s.at + i)) < 8) return i + n;
    if (i > 0) return s.len - 8 + plain_of_eight(s.at + s.len - 8);
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

static void put_plain(struct buf *out, struct str s)
{
    char *to = buf_place(out, s.len + 2);

    if (to == NULL) return;
    to[0] = '"';
    if (s.len > 0) memcpy(to + 1, s.at, s.len);
    to[s.len + 1] = '"';
}

void json_put_text(struct buf *out, struct str s)
{
    if (json_plain_length(s) == s.len) {
        put_plain(out, s);
        return;
    }
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
    static const char pairs[] =
        "00010203040506070809101112131415161718192021222324252627282930313233343536373839404142434445464748"
        "49505152535455565758596061626364656667686970717273747576777879808182838485868788899091929394959697"
        "9899";
    char text[20];
    size_t at = sizeof text;

    for (; n >= 10; n /= 100) memcpy(text + (at -= 2), pairs + n % 100 * 2, 2);
    if (n > 0 || at == sizeof text) text[--at] = (char)('0' + n);
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

    text[0] = '"';
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
