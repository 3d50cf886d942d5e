/* options.c - words of the command line into variables. */
// SPDX-License-Identifier: Apache-2.0
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "services/auth/authctl/authctl.h"

#define MANY_MAX 64

bool as_json;
struct arena *arena;

void usage_print(const struct command *command)
{
    printf("authctl %s %s %s\n    %s\n    --json prints the reply as JSON.\n", command->noun, command->verb,
        command->usage, command->doc);
}

int usage_error(const struct command *command, const char *fmt, ...)
{
    va_list args;

    fprintf(stderr, "authctl: ");
    va_start(args, fmt);
    vfprintf(stderr, fmt, args);
    va_end(args);
    fprintf(stderr, "\nusage: authctl %s %s %s\n", command->noun, command->verb, command->usage);
    return EXIT_USAGE;
}

static bool is_given(const struct option_row *row)
{
    return row->text != NULL ? row->text->at != NULL : row->flag != NULL || row->many->len > 0;
}

static const struct option_row *find_row(const struct option_row *rows, size_t n, const char *word)
{
    bool dashes = word[0] == '-' && word[1] != '\0'; /* a single dash is a file's name */

    for (size_t i = 0; i < n; i++)
        if (dashes ? rows[i].name != NULL && strcmp(rows[i].name, word) == 0
                   : rows[i].name == NULL && !is_given(&rows[i]))
            return &rows[i];
    return NULL;
}

static void set_option(const struct option_row *row, const char *value)
{
    if (row->text != NULL) {
        *row->text = str_of(value);
        return;
    }
    if (row->many->at == NULL) row->many->at = arena_alloc(arena, MANY_MAX * sizeof *row->many->at);
    if (row->many->len < MANY_MAX) row->many->at[row->many->len++] = str_of(value);
}

static const char *shown(const struct option_row *row)
{
    return row->name ? row->name : "its argument";
}

static int read_word(const struct command *command, const struct option_row *rows, size_t n, char ***at)
{
    const char *word = *(*at)++;

    if (strcmp(word, "--json") == 0) {
        as_json = true;
        return EXIT_OK;
    }
    const struct option_row *row = find_row(rows, n, word);
    if (row == NULL) return usage_error(command, "%s is not understood", word);
    if (row->flag != NULL) {
        *row->flag = true;
        return EXIT_OK;
    }
    const char *value = row->name ? **at : word;
    if (value == NULL) return usage_error(command, "%s wants a value", word);
    *at += row->name != NULL;
    set_option(row, value);
    return EXIT_OK;
}

int options_read(const struct command *command, int argc, char **argv, const struct option_row *rows, size_t n)
{
    int status = EXIT_OK;

    for (char **at = argv; at < argv + argc && status == EXIT_OK;) {
        if (strcmp(*at, "--help") == 0 || strcmp(*at, "-h") == 0) {
            usage_print(command);
            exit(EXIT_OK);
        }
        status = read_word(command, rows, n, &at);
    }
    for (size_t i = 0; i < n && status == EXIT_OK; i++)
        if (rows[i].required && !is_given(&rows[i])) status = usage_error(command, "%s is missing", shown(&rows[i]));
    return status;
}

bool duration_read(struct str text, int64_t *seconds)
{
    static const struct {
        char unit;
        int64_t seconds;
    } units[] = { { 's', 1 }, { 'm', 60 }, { 'h', 3600 }, { 'd', 86400 } };
    int64_t factor = 1, n;

    for (size_t i = 0; i < COUNT(units); i++)
        if (text.len > 1 && text.at[text.len - 1] == units[i].unit) {
            factor = units[i].seconds;
            text.len--;
            break;
        }
    if (!str_to_int(text, &n) || n < 0 || n > 315360000 / factor) return false;
    *seconds = n * factor;
    return true;
}
