/* settings_load.c - from the environment into `settings`, or not at all. */
// SPDX-License-Identifier: Apache-2.0
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "libshared/base/arena.h"
#include "libshared/base/network.h"
#include "libshared/service/settings_rows.h"

struct settings settings;

static void exit_bad_setting(const char *variable, const char *why)
{
    fprintf(stderr, "%s: %s\n", variable, why);
    exit(2);
}

static void *field_of(const struct setting_row *row)
{
    return (char *)&settings + row->at;
}

static void load_int(const struct setting_row *row, const char *variable, const char *text)
{
    int64_t n;
    char why[100];
    if (!str_to_int(str_of(text), &n) || n < row->lo || n > row->hi) {
        snprintf(why, sizeof(why), "wants a number from %" PRId64 " to %" PRId64, row->lo, row->hi);
        exit_bad_setting(variable, why);
    }
    *(int64_t *)field_of(row) = n;
}

static void load_bool(const struct setting_row *row, const char *variable, const char *text)
{
    if (strcmp(text, "0") != 0 && strcmp(text, "1") != 0) exit_bad_setting(variable, "wants 0 or 1");
    *(bool *)field_of(row) = text[0] == '1';
}

static struct arena *texts; /* for as long as the process lives, or until the settings are loaded again */

static const char *keep_text(const char *text)
{
    return arena_cstr(texts, str_of(text));
}

static void load_text(const struct setting_row *row, const char *variable, const char *text)
{
    char why[100];
    if ((int64_t)strlen(text) > row->hi) {
        snprintf(why, sizeof(why), "is longer than %" PRId64 " bytes", row->hi);
        exit_bad_setting(variable, why);
    }
    *(const char **)field_of(row) = keep_text(text);
}

static bool is_choice(const char *choices, const char *text)
{
    struct str rest = str_of(choices);
    while (rest.len > 0)
        if (str_is(str_cut(&rest, '|'), text)) return true;
    return false;
}

static void load_choice(const struct setting_row *row, const char *variable, const char *text)
{
    char why[200];
    if (!is_choice(row->choices, text)) {
        snprintf(why, sizeof(why), "wants one of %s", row->choices);
        exit_bad_setting(variable, why);
    }
    *(const char **)field_of(row) = keep_text(text);
}

static void load_networks(const struct setting_row *row, const char *variable, const char *text)
{
    struct network_list *list = arena_alloc(texts, sizeof *list);
    struct str bad;
    char why[200];
    *(const struct network_list **)field_of(row) = list;
    if (network_list_parse(str_of(text), list, &bad)) return;
    if (list->n == NETWORKS_MAX)
        snprintf(why, sizeof(why), "wants at most %d networks", NETWORKS_MAX);
    else
        snprintf(why, sizeof(why), "\"%.*s\" is no network such as 10.0.0.0/24, 2001:db8::/48 or 10.0.0.4",
            (int)(bad.len < 60 ? bad.len : 60), bad.at);
    exit_bad_setting(variable, why);
}

static void load_row(const struct setting_row *row)
{
    char variable[80];
    setting_variable(row, variable, sizeof(variable));
    const char *text = getenv(variable);
    if (text == NULL) text = row->fallback;
    switch (row->kind) {
    case KIND_INT: load_int(row, variable, text); return;
    case KIND_BOOL: load_bool(row, variable, text); return;
    case KIND_TEXT:
    case KIND_FILES: load_text(row, variable, text); return;
    case KIND_CHOICE: load_choice(row, variable, text); return;
    case KIND_NETWORKS: load_networks(row, variable, text); return;
    }
}

static bool is_known(const char *variable, size_t len)
{
    char known[80];
    for (size_t i = 0; i < n_setting_rows; i++) {
        setting_variable(&setting_rows[i], known, sizeof(known));
        if (strlen(known) == len && memcmp(known, variable, len) == 0) return true;
    }
    return false;
}

/* A typo is not a default. */
static void refuse_unknown(void)
{
    for (char **at = environ; *at != NULL; at++) {
        size_t len = strcspn(*at, "=");
        if (strncmp(*at, SETTINGS_PREFIX, sizeof(SETTINGS_PREFIX) - 1) != 0 || is_known(*at, len)) continue;
        char name[200];
        snprintf(name, sizeof(name), "%.*s", (int)len, *at);
        exit_bad_setting(name, "there is no such setting; --help lists them");
    }
}

void settings_load(void)
{
    arena_destroy(&texts);
    /* bound: none from outside, but the environment that we were started with */
    texts = arena_create("settings", 1 << 20);
    refuse_unknown();
    for (size_t i = 0; i < n_setting_rows; i++) load_row(&setting_rows[i]);
}
