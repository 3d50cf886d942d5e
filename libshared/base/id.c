/* id.c - an id as a value, and as text. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/base/id.h"

#include <string.h>

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

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
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
        int high = hex_digit(text.at[i]), low = hex_digit(text.at[i + 1]);
        if (high < 0 || low < 0) return false;
        id.b[n++] = (uint8_t)(high << 4 | low);
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
