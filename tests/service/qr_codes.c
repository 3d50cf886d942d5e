/* qr_codes.c - QR codes of texts, for a program that reads them: on each line of standard input a text as hexadecimal digits, on each of
 * standard output the size of its code and its modules, row by row. */
// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>

#include "libshared/page/qr.h"

#define LINE_BYTES (2 * QR_TEXT_BYTES_MAX + 2)

static size_t read_text(const char *line, char *text)
{
    size_t n = 0;
    unsigned byte;

    while (sscanf(line + 2 * n, "%2x", &byte) == 1) text[n++] = (char)byte;
    return n;
}

static int print_code(struct arena *arena, struct str text)
{
    struct qr qr;

    if (!qr_make(arena, text, &qr)) return 1;
    printf("%d ", qr.size);
    for (int i = 0; i < qr.size * qr.size; i++) putchar(qr.dark[i] ? '1' : '0');
    putchar('\n');
    return 0;
}

int main(void)
{
    static char line[LINE_BYTES], text[QR_TEXT_BYTES_MAX];
    struct arena *arena = arena_create("qr_codes", 1u << 20);
    int status = 0;

    while (status == 0 && fgets(line, sizeof line, stdin) != NULL) {
        status = print_code(arena, (struct str){ text, read_text(line, text) });
        arena_reset(arena);
    }
    arena_destroy(&arena);
    return status;
}
