/* weight.c - how much a client wants what it names. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/base/weight.h"

#include "libshared/base/err.h"

int weight_read(struct str params)
{
    static const int places[] = { WEIGHT_MOST, 0, 100, 10, 1 };
    int weight = 0;

    params = str_trim(params);
    if (params.len == 0) return WEIGHT_MOST;
    if (!str_starts(params, STR("q=")) && !str_starts(params, STR("Q="))) return 0;
    params = str_skip(params, 2);
    for (size_t i = 0; i < params.len; i++) {
        bool is_digit = params.at[i] >= '0' && params.at[i] <= '9';
        if (i >= COUNT(places) || is_digit == (i == 1) || (i == 1 && params.at[i] != '.')) return 0;
        if (is_digit) weight += (params.at[i] - '0') * places[i];
    }
    return weight <= WEIGHT_MOST ? weight : 0;
}
