/* str.h - a view of bytes that somebody else owns.  Not NUL-terminated unless its maker says so. */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct str {
    const char *at;
    size_t len;
};

#define STR(literal) ((struct str){ "" literal, sizeof(literal) - 1 })
#define STR_NONE     ((struct str){ NULL, 0 })
#define STR_ARG(s)   (int)(s).len, ((s).at ? (s).at : "") /* for "%.*s" */

/* These stand here because they are asked for everywhere, mostly of a constant; by the compiler's names, because <string.h>
 * has many more. */
static inline struct str str_of(const char *text) /* NULL gives STR_NONE */
{
    return text == NULL ? STR_NONE : (struct str){ text, __builtin_strlen(text) };
}

static inline bool str_eq(struct str a, struct str b)
{
    return a.len == b.len && (a.len == 0 || __builtin_memcmp(a.at, b.at, a.len) == 0);
}

/* Mostly they differ, and then in their first letter: two names are told apart by that before either is measured. */
static inline bool str_is(struct str a, const char *text)
{
    if (text != NULL && a.len > 0 && a.at[0] != text[0]) return false;
    return str_eq(a, str_of(text));
}

static inline struct str str_skip(struct str s, size_t n) /* without its first n bytes; n <= len */
{
    return n == 0 ? s : (struct str){ s.at + n, s.len - n };
}

int str_cmp(struct str a, struct str b);
bool str_starts(struct str s, struct str prefix);
bool str_find(struct str s, char c, size_t *at); /* the first c */
struct str str_trim(struct str s);               /* without blanks, tabs and ends of lines around it */
/* Takes what is before the first `end`, and the `end`.  Where there is none: all; *rest is STR_NONE then. */
struct str str_cut(struct str *rest, char end);
bool str_to_int(struct str s, int64_t *out);    /* all of it, decimal, no blanks */
bool utf8_is_valid(const char *at, size_t len); /* also refuses NUL, surrogates and overlong forms */
size_t utf8_length(const char *at, size_t len); /* code points of valid UTF-8 */
