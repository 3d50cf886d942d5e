/* cookie.c - cookies are found by their whole name, once. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/http/message/cookie.h"

#include <inttypes.h>
#include <string.h>

bool cookie_is_value(struct str value)
{
    for (size_t i = 0; i < value.len; i++) {
        char c = value.at[i];
        if (c <= ' ' || c >= 0x7f || memchr("\",;\\", c, 4) != NULL) return false;
    }
    return true;
}

enum cookie_found cookie_find(struct str header, const char *name, struct str *value)
{
    enum cookie_found found = COOKIE_ABSENT;

    while (header.len > 0) {
        struct str pair = str_trim(str_cut(&header, ';')), text = pair, key = str_cut(&text, '=');
        if (key.len == pair.len || !str_is(key, name)) continue;
        if (found == COOKIE_FOUND) return COOKIE_TWICE;
        found = COOKIE_FOUND;
        *value = text;
    }
    return found == COOKIE_FOUND && value->len == 0 ? COOKIE_ABSENT : found;
}

struct str cookie_set(
    struct arena *arena, const char *name, struct str value, const char *path, const char *same_site, int64_t max_age_s)
{
    return arena_printf(arena, "%s=%.*s; Path=%s; Max-Age=%" PRId64 "; HttpOnly; Secure; SameSite=%s", name,
        STR_ARG(value), path, max_age_s, same_site);
}
