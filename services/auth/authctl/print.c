/* print.c - tables for people. */
// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>
#include <time.h>

#include "services/auth/authctl/authctl.h"

/* The last cell is as wide as it is. */
void print_row(const char *const *cells, const int *widths, size_t n)
{
    for (size_t i = 0; i + 1 < n; i++) printf("%-*s  ", widths[i], cells[i]);
    printf("%s\n", cells[n - 1]);
}

struct str time_text(int64_t ms)
{
    time_t seconds = (time_t)(ms / 1000);
    struct tm tm;
    char text[40];

    if (ms == 0) return STR("-");
    strftime(text, sizeof text, "%Y-%m-%d %H:%M UTC", gmtime_r(&seconds, &tm));
    return arena_str(arena, str_of(text));
}

struct str list_text(struct str_list list)
{
    struct str out = STR("");

    for (size_t i = 0; i < list.len; i++)
        out = arena_printf(arena, "%.*s%s%.*s", STR_ARG(out), i ? ", " : "", STR_ARG(list.at[i]));
    return out;
}
