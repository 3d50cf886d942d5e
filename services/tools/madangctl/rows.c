/* rows.c - the lines of a file, one after the other. */
// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>

#include "services/tools/madangctl/madangctl.h"

bool row_read(struct rows *rows)
{
    int c;

    buf_clear(&rows->row);
    while (!rows->row.over && (c = getc_unlocked(rows->from)) != EOF) {
        buf_add_char(&rows->row, (char)c);
        if (c == '\n') break;
    }
    rows->n += rows->row.len > 0;
    return rows->row.len > 0;
}

int row_refuse(const struct rows *rows, enum err e, const char *text)
{
    fprintf(stderr, "%s: %s: line %lld: %s\n", program.name, err_code(e), (long long)rows->n, text);
    return EXIT_REFUSED;
}
