/* settings.c - prints the table of settings: `settings markdown` and `settings env`. */
// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>
#include <string.h>

#include "libshared/service/settings.h"

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "markdown") == 0) {
        settings_print_markdown();
    } else if (argc == 2 && strcmp(argv[1], "env") == 0) {
        settings_print_env();
    } else {
        bool asked = argc == 2 && strcmp(argv[1], "--help") == 0;
        fputs("usage: settings markdown|env\n", asked ? stdout : stderr);
        return asked ? 0 : 2;
    }
    return 0;
}
