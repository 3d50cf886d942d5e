/*
 * settings.h - every setting is a row: name, kind and bounds, default, meaning.
 *
 *      SETTING(workers, INT(1, 64), "4", "Worker threads, each with a database connection")
 *
 * in services/store/settings.def is the environment variable MADANG_STORE_WORKERS, a field of struct settings_store, a
 * line of --help, of docs/settings.md and of .env.example.  What each service has is in settings_each.def; what every
 * process has is in settings.def, without a group in its name.  A wrong value, or an unknown variable with our prefix, stops the start with one clear line.
 */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/base/err.h"
#include "libshared/base/str.h"

struct network_list;

/* clang-format off */
#define SETTING_INT(lo, hi)  int64_t
#define SETTING_BOOL         bool
#define SETTING_TEXT(hi)     const char *
#define SETTING_CHOICE(list) const char *      /* "a|b|c" */
#define SETTING_FILES        const char *      /* a directory, which the process of its group writes files into */
#define SETTING_NETWORKS     const struct network_list *

#define SETTING(name, kind, fallback, doc) SETTING_##kind name;
#define SERVICE(name, place, doc)          const char *name##_url;
struct settings_common {
#include "libshared/service/settings.def"
#include "proto/begin.def"
#include "proto/services.def"
#include "proto/end.def"
};
#define GROUP_BEGIN(name) struct settings_##name {
#define GROUP_END(name)   };
#include "rows/settings.def"
#undef GROUP_BEGIN
#undef GROUP_END
#undef SETTING

struct settings {
    struct settings_common common;
#define EDGE(name, place, doc)    struct settings_##name name;
#define SERVICE(name, place, doc) struct settings_##name name;
#include "proto/begin.def"
#include "proto/services.def"
#include "proto/end.def"
};
/* clang-format on */

extern struct settings settings; /* read once at start, constant from then on */
/* At which endpoint a service is reached; NULL: there is no such service. */
const char *settings_url(struct str service);
void settings_load(void);                    /* from the environment; exits with status 2 and one line */
void settings_print_help(const char *group); /* common and that group's */
void settings_print_markdown(void);          /* docs/settings.md */
void settings_print_env(void);               /* .env.example */
