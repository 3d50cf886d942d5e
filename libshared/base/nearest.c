/* nearest.c - the name that somebody perhaps meant: optimal string alignment, within a bound. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/base/nearest.h"

#define FAR         3
#define SHORT_BYTES 5

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Edits from a to b; FAR or more means nothing but that.  Rows are those of the classic table, the last three of it. */
static size_t distance(struct str a, struct str b)
{
    size_t rows[3][NEAREST_BYTES_MAX + 1];

    for (size_t j = 0; j <= b.len; j++) rows[0][j] = j;
    for (size_t i = 1; i <= a.len; i++) {
        size_t *now = rows[i % 3], *before = rows[(i + 2) % 3], *two_before = rows[(i + 1) % 3], best = i;
        now[0] = i;
        for (size_t j = 1; j <= b.len; j++) {
            now[j] = least(least(before[j], now[j - 1]) + 1, before[j - 1] + (a.at[i - 1] != b.at[j - 1]));
            if (i > 1 && j > 1 && a.at[i - 1] == b.at[j - 2] && a.at[i - 2] == b.at[j - 1])
                now[j] = least(now[j], two_before[j - 2] + 1);
            best = least(best, now[j]);
        }
        if (best >= FAR) return FAR;
    }
    return rows[a.len % 3][b.len];
}

static bool is_comparable(struct str a, struct str b)
{
    return b.len <= NEAREST_BYTES_MAX && (a.len > b.len ? a.len - b.len : b.len - a.len) < FAR;
}

struct str nearest_of(struct str wanted, const struct str *names, size_t n)
{
    struct str found = STR_NONE;
    size_t nearest = wanted.len < SHORT_BYTES ? FAR - 1 : FAR;

    if (wanted.len > NEAREST_BYTES_MAX) return STR_NONE;
    for (size_t i = 0; i < n; i++) {
        if (!is_comparable(wanted, names[i])) continue;
        size_t edits = distance(wanted, names[i]);
        if (edits >= nearest) continue;
        nearest = edits;
        found = names[i];
    }
    return found;
}
