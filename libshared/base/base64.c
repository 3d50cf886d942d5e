/* base64.c - by OpenSSL's coder, whose int counts and NULs stay in here. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/base/base64.h"

#include <limits.h>
#include <openssl/evp.h>
#include <string.h>

size_t base64_length(size_t bytes)
{
    return (bytes + 2) / 3 * 4;
}

/* The library counts in int and ends with a NUL: whole groups that fit, then the rest by way of a small buffer. */
void base64_encode(char *out, struct str from)
{
    size_t whole = from.len / 3 * 3, step = 3 * 4096;
    unsigned char group[4 * 4096 + 1];
    for (size_t i = 0; i < whole; i += step) {
        size_t n = whole - i < step ? whole - i : step;
        int chars = EVP_EncodeBlock(group, (const unsigned char *)from.at + i, (int)n);
        memcpy(out, group, (size_t)chars);
        out += chars;
    }
    if (whole < from.len)
        memcpy(out, group,
            (size_t)EVP_EncodeBlock(group, (const unsigned char *)from.at + whole, (int)(from.len - whole)));
}

static bool is_base64(struct str from)
{
    for (size_t i = 0; i < from.len; i++) {
        char c = from.at[i];
        if (!((c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '+' || c == '/'))
            return false;
    }
    return true;
}

static struct str without_padding(struct str from)
{
    for (int i = 0; i < 2 && from.len > 0 && from.at[from.len - 1] == '='; i++) from.len--;
    return from;
}

bool base64_decode(struct str from, unsigned char *out, size_t *len)
{
    struct str digits = without_padding(from);
    size_t whole = digits.len / 4 * 4, rest = digits.len - whole;
    if (!is_base64(digits) || rest == 1 || from.len > INT_MAX || (digits.len < from.len && from.len % 4 != 0))
        return false;
    *len = whole / 4 * 3;
    if (whole > 0 && EVP_DecodeBlock(out, (const unsigned char *)digits.at, (int)whole) < 0) return false;
    if (rest > 0) {
        unsigned char last[4] = { '=', '=', '=', '=' };
        memcpy(last, digits.at + whole, rest);
        if (EVP_DecodeBlock(out + *len, last, 4) < 0) return false;
        *len += rest - 1;
    }
    return true;
}

void base64url_encode(const unsigned char *from, size_t len, char *out)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

    for (size_t bit = 0; bit < len * 8; bit += 6) {
        unsigned two = (unsigned)from[bit / 8] << 8 | (bit / 8 + 1 < len ? from[bit / 8 + 1] : 0u);
        *out++ = digits[two >> (10 - bit % 8) & 63];
    }
    *out = '\0';
}

static int base64url_digit(char c)
{
    if (c >= 'A' && c <= 'Z') return c - 'A';
    if (c >= 'a' && c <= 'z') return c - 'a' + 26;
    if (c >= '0' && c <= '9') return c - '0' + 52;
    return c == '-' ? 62 : c == '_' ? 63 : -1;
}

/* Two or three characters at the end stand for one or two bytes: the bits that are left over have to be zero. */
bool base64url_is_canonical(struct str from)
{
    static const int spare[] = { 0, -1, 15, 3 };

    for (size_t i = 0; i < from.len; i++)
        if (base64url_digit(from.at[i]) < 0) return false;
    if (from.len == 0 || from.len % 4 == 1) return false;
    return (base64url_digit(from.at[from.len - 1]) & spare[from.len % 4]) == 0;
}

size_t base64url_decode(struct str from, unsigned char *out)
{
    unsigned bits = 0;
    size_t n = 0;

    for (size_t i = 0; i < from.len; i++) {
        bits = bits << 6 | (unsigned)base64url_digit(from.at[i]);
        if (i % 4 != 0) out[n++] = (unsigned char)(bits >> (6 - i % 4 * 2));
    }
    return n;
}
