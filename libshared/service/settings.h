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
#include "libshared/rpc/parts.h"

struct arena;
struct network_list;

#define PORTS_MAX 8
struct port_list {
    int at[PORTS_MAX]; /* 0: no more of them */
};

/* clang-format off */
#define SETTING_INT(lo, hi)  int64_t
#define SETTING_BOOL         bool
#define SETTING_TEXT(hi)     const char *
#define SETTING_CHOICE(list) const char *      /* "a|b|c" */
#define SETTING_FILES        const char *      /* a directory, which the process of its group writes files into */
#define SETTING_FILE         const char *      /* a file, which the process of its group reads */
#define SETTING_NETWORKS     const struct network_list *
#define SETTING_PORTS        struct port_list  /* "443,8443" */
#define SETTING_ORIGIN       const char *      /* as url_origin() has it */
#define SETTING_ENDPOINTS(n) struct endpoint_list /* "tcp://chat-1:9002,tcp://chat-2:9002": n at most */

#define SETTING(name, kind, fallback, doc) SETTING_##kind name;
#define SERVICE(name, place, parts, doc)   SETTING_ENDPOINTS(parts) name##_url;
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
    struct arena *texts; /* what their pointers point to */
    struct settings_common common;
#define EDGE(name, place, doc)    struct settings_##name name;
#define SERVICE(name, place, parts, doc) struct settings_##name name;
#include "proto/begin.def"
#include "proto/services.def"
#include "proto/end.def"
};
/* clang-format on */

/* From the environment, once at start: main() has them, and gives each part what is its own.  Exits with status 2 and one
 * line.  Those that were loaded into it before are no more; zeroes: none. */
void settings_load(struct settings *into);
/* Where the processes of a service are reached; NULL: there is no such service. */
const struct endpoint_list *settings_endpoints(const struct settings *from, struct str service);
void settings_print_help(const char *group); /* common and that group's */
void settings_print_markdown(void);          /* docs/settings.md */
void settings_print_env(void);               /* .env.example */
