/* settings_print.c - the settings as help, as a page and as a sample file. */
// SPDX-License-Identifier: Apache-2.0
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "libshared/base/network.h"
#include "libshared/service/settings_rows.h"

static void kind_text(const struct setting_row *row, char *out, size_t size)
{
    switch (row->kind) {
    case KIND_INT: snprintf(out, size, "%" PRId64 " to %" PRId64, row->lo, row->hi); return;
    case KIND_BOOL: snprintf(out, size, "0 or 1"); return;
    case KIND_TEXT: snprintf(out, size, "text, at most %" PRId64 " bytes", row->hi); return;
    case KIND_FILES: snprintf(out, size, "a directory, at most %" PRId64 " bytes", row->hi); return;
    case KIND_FILE: snprintf(out, size, "a file, at most %" PRId64 " bytes", row->hi); return;
    case KIND_CHOICE: snprintf(out, size, "%s", row->choices); return;
    case KIND_NETWORKS: snprintf(out, size, "networks, at most %d", NETWORKS_MAX); return;
    case KIND_PORTS: snprintf(out, size, "ports, at most %d", PORTS_MAX); return;
    case KIND_ENDPOINTS:
        if (row->hi == 1)
            snprintf(out, size, "an endpoint");
        else
            snprintf(out, size, "endpoints, at most %" PRId64, row->hi);
        return;
    case KIND_ORIGIN: snprintf(out, size, "https://host or https://host:port"); return;
    }
}

static void print_help_of(const char *group)
{
    char variable[80], kind[120];
    for (size_t i = 0; i < n_setting_rows; i++) {
        const struct setting_row *row = &setting_rows[i];
        if (strcmp(row->group, group) != 0) continue;
        setting_variable(row, variable, sizeof variable);
        kind_text(row, kind, sizeof kind);
        printf("  %s=%s\n      %s  (%s)\n", variable, row->fallback, row->doc, kind);
    }
}

void settings_print_help(const char *group)
{
    printf("\nSettings are environment variables, here with their defaults:\n");
    print_help_of("common");
    if (strcmp(group, "common") != 0) print_help_of(group);
}

/* In a table a bar ends the cell. */
static void print_cell(const char *text)
{
    for (; *text != '\0'; text++) printf(*text == '|' ? "\\|" : "%c", *text);
}

static void print_group_title(const char *group)
{
    if (strcmp(group, "common") == 0)
        printf("\n## Every process\n\n");
    else
        printf("\n## %s\n\n", group);
    printf("| variable | default | values | meaning |\n|---|---|---|---|\n");
}

void settings_print_markdown(void)
{
    char variable[80], kind[120];
    const char *group = "";
    printf(
        "# Settings\n\nEnvironment variables. A wrong value, or an unknown variable that begins with `%s`, stops the\n"
        "start with one line that says so. `make docs` prints this page from the rows of settings.def.\n",
        SETTINGS_PREFIX);
    for (size_t i = 0; i < n_setting_rows; i++) {
        const struct setting_row *row = &setting_rows[i];
        if (strcmp(row->group, group) != 0) print_group_title(row->group);
        group = row->group;
        setting_variable(row, variable, sizeof variable);
        kind_text(row, kind, sizeof kind);
        printf("| `%s` | %s%s%s | ", variable, *row->fallback ? "`" : "", row->fallback, *row->fallback ? "`" : "");
        print_cell(kind);
        printf(" | ");
        print_cell(row->doc);
        printf(" |\n");
    }
}

void settings_print_env(void)
{
    char variable[80];
    const char *group = "";
    for (size_t i = 0; i < n_setting_rows; i++) {
        const struct setting_row *row = &setting_rows[i];
        if (strcmp(row->group, group) != 0) printf("%s# --- %s ---\n", i == 0 ? "" : "\n", row->group);
        group = row->group;
        setting_variable(row, variable, sizeof variable);
        printf("# %s\n#%s=%s\n", row->doc, variable, row->fallback);
    }
}
