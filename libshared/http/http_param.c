/* http_param.c - the parameters of a query, percent-decoded. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/http/http_private.h"

#include <string.h>

#include "libshared/base/hex.h"

/* A % that is not followed by two hex digits stands for itself. */
static struct str decode_param(struct arena *arena, struct str from)
{
    char *out = arena_alloc(arena, from.len + 1);
    size_t n;

    (void)percent_decode(from, true, out, &n);
    out[n] = '\0';
    return (struct str){ out, n };
}

/* Does this, decoded, spell the name?  Most do not, and are not copied for it. */
static bool is_spelled(struct arena *arena, struct str raw, const char *name)
{
    size_t percent;
    return str_find(raw, '%', &percent) ? str_is(decode_param(arena, raw), name) : str_is(raw, name);
}

bool http_param(struct http *http, const char *name, struct str *out)
{
    struct str rest = http->head.query, found = STR_NONE;
    while (rest.at != NULL) {
        struct str pair = str_cut(&rest, '&'), value = pair, key = str_cut(&value, '=');
        if (pair.len > 0 && is_spelled(http->arena, key, name)) found = value.at != NULL ? value : STR("");
    }
    if (found.at == NULL) return false;
    *out = decode_param(http->arena, found);
    return true;
}
