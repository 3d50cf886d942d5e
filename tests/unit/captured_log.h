/* captured_log.h - what a function puts on standard output, for tests that read the log. */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Until the next call. */
static const char *captured_log(void (*write_lines)(void))
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

static int count_lines(const char *text)
{
    int n = 0;

    for (; *text != '\0'; text++) n += *text == '\n';
    return n;
}
