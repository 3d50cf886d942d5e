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

struct str str_of(const char *text); /* NULL gives STR_NONE */
bool str_is(struct str a, const char *text);
bool str_eq(struct str a, struct str b);
int str_cmp(struct str a, struct str b);
bool str_starts(struct str s, struct str prefix);
struct str str_skip(struct str s, size_t n);     /* without its first n bytes; n <= len */
bool str_find(struct str s, char c, size_t *at); /* the first c */
struct str str_trim(struct str s);               /* without blanks, tabs and ends of lines around it */
/* Takes what is before the first `end`, and the `end`.  Where there is none: all; *rest is STR_NONE then. */
struct str str_cut(struct str *rest, char end);
bool str_to_int(struct str s, int64_t *out);    /* all of it, decimal, no blanks */
bool utf8_is_valid(const char *at, size_t len); /* also refuses NUL, surrogates and overlong forms */
size_t utf8_length(const char *at, size_t len); /* code points of valid UTF-8 */
