/* settings_rows.h - the settings as data: one row for each; what loads and prints them shares it. */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/service/settings.h"

#define SETTINGS_PREFIX "MADANG_"

enum setting_kind {
    KIND_INT,
    KIND_BOOL,
    KIND_TEXT,
    KIND_CHOICE,
    KIND_FILES,
    KIND_FILE,
    KIND_NETWORKS,
    KIND_ORIGIN,
    KIND_PORTS,
    KIND_ENDPOINTS
};

struct setting_row {
    const char *group, *name, *fallback, *doc;
    enum setting_kind kind;
    int64_t lo, hi;      /* INT: the value; TEXT: its most bytes; ENDPOINTS: how many at most */
    const char *choices; /* CHOICE: "a|b|c" */
    size_t at;           /* offsetof in struct settings */
};

extern const struct setting_row setting_rows[];
extern const size_t n_setting_rows;

void setting_variable(const struct setting_row *row, char *out, size_t size); /* MADANG_STORE_WORKERS */
