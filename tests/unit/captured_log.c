/* captured_log.c - see captured_log.h. */
// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "tests/unit/captured_log.h"

const char *captured_log(void (*write_lines)(void))
{
    static char output[1 << 20];
    int saved = dup(STDOUT_FILENO);
    FILE *file = tmpfile();

    assert_non_null(file);
    fflush(stdout);
    dup2(fileno(file), STDOUT_FILENO);
    write_lines();
    dup2(saved, STDOUT_FILENO);
    close(saved);
    rewind(file);
    output[fread(output, 1, sizeof output - 1, file)] = '\0';
    fclose(file);
    return output;
}

int count_lines(const char *text)
{
    int n = 0;

    for (; *text != '\0'; text++) n += *text == '\n';
    return n;
}

int count_texts(const char *in, const char *text)
{
    int n = 0;

    for (const char *at = in; (at = strstr(at, text)) != NULL; at += strlen(text)) n++;
    return n;
}
