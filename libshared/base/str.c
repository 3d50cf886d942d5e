/* str.c - views of bytes: comparing, cutting, numbers. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/base/str.h"

#include <string.h>

int str_cmp(struct str a, struct str b)
{
    size_t both = a.len < b.len ? a.len : b.len;
    int order = both == 0 ? 0 : memcmp(a.at, b.at, both);

    return order != 0 ? order : (a.len > b.len) - (a.len < b.len);
}

bool str_starts(struct str s, struct str prefix)
{
    return s.len >= prefix.len && str_eq((struct str){ s.at, prefix.len }, prefix);
}

bool str_find(struct str s, char c, size_t *at)
{
    const char *found = s.len == 0 ? NULL : memchr(s.at, c, s.len);

    if (found == NULL) return false;
    *at = (size_t)(found - s.at);
    return true;
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

struct str str_trim(struct str s)
{
    while (s.len > 0 && is_space(s.at[0])) s = str_skip(s, 1);
    while (s.len > 0 && is_space(s.at[s.len - 1])) s.len--;
    return s;
}

struct str str_cut(struct str *rest, char end)
{
    struct str word = *rest;
    bool more = str_find(*rest, end, &word.len);

    *rest = more ? str_skip(*rest, word.len + 1) : STR_NONE;
    return word;
}

bool str_to_int(struct str s, int64_t *out)
{
    bool negative = s.len > 0 && s.at[0] == '-';
    int64_t n = 0;

    if (negative) s = str_skip(s, 1);
    if (s.len == 0) return false;
    for (size_t i = 0; i < s.len; i++) {
        int digit = s.at[i] - '0';
        if (digit < 0 || digit > 9 || __builtin_mul_overflow(n, 10, &n)) return false;
        /* Counting down for negatives reaches INT64_MIN, which has no positive twin. */
        if (__builtin_add_overflow(n, negative ? -digit : digit, &n)) return false;
    }
    *out = n;
    return true;
}
