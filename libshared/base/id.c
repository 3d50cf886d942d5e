/* id.c - an id as a value, and as text. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/base/id.h"

#include <string.h>

#include "libshared/base/hex.h"

bool id_is_nil(struct id id)
{
    return id_eq(id, (struct id){ { 0 } });
}

bool id_eq(struct id a, struct id b)
{
    return memcmp(a.b, b.b, sizeof a.b) == 0;
}

static bool has_dash(size_t at)
{
    return at == 8 || at == 13 || at == 18 || at == 23;
}

bool id_parse(struct str text, struct id *out)
{
    struct id id;

    if (text.len != ID_TEXT_BYTES) return false;
    for (size_t i = 0, n = 0; i < ID_TEXT_BYTES; i++) {
        if (has_dash(i)) {
            if (text.at[i] != '-') return false;
            continue;
        }
        if (!hex_parse((struct str){ text.at + i, 2 }, &id.b[n++])) return false;
        i++;
    }
    *out = id;
    return true;
}

void id_format(struct id id, char out[ID_TEXT_BYTES + 1])
{
    static const char digits[] = "0123456789abcdef";
    size_t at = 0;

    for (size_t i = 0; i < sizeof id.b; i++) {
        if (has_dash(at)) out[at++] = '-';
        out[at++] = digits[id.b[i] >> 4];
        out[at++] = digits[id.b[i] & 15];
    }
    out[at] = '\0';
}
