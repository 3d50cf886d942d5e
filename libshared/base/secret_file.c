/* secret_file.c - passwords that somebody else gave us. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/base/secret_file.h"

#include <stdio.h>
#include <string.h>

bool secret_file_line(const char *path, int line, char out[SECRET_FILE_MAX])
{
    FILE *file = fopen(path, "re");
    bool is_read = file != NULL;

    out[0] = '\0';
    for (int i = 0; i <= line && is_read; i++) is_read = fgets(out, SECRET_FILE_MAX, file) != NULL;
    if (file != NULL) fclose(file);
    if (is_read) out[strcspn(out, "\r\n")] = '\0';
    return is_read && out[0] != '\0';
}

bool secret_file_read(const char *path, char out[SECRET_FILE_MAX])
{
    return secret_file_line(path, 0, out);
}
