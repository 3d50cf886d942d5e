/*
 * settings.h - every setting is a row: name, kind and bounds, default, meaning.
 *
 *      SETTING(workers, INT(1, 64), "4", "Worker threads, each with a database connection")
 *
 * in settings/<group>.def is the environment variable MADANG_<GROUP>_WORKERS (group `common`: MADANG_WORKERS is not
 * used; common rows are MADANG_<NAME>), a field of struct settings_<group>, a line of --help, of docs/settings.md and
 * of .env.example.  A wrong value, or an unknown variable with our prefix, stops the start with one clear line.
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
#define SETTING_NETWORKS     const struct network_list *

#define SETTING(name, kind, fallback, doc) SETTING_##kind name;
struct settings_common {
#include "libshared/service/settings/common.def"
};
struct settings_gateway {
#include "libshared/service/settings/gateway.def"
};
struct settings_auth {
#include "libshared/service/settings/auth.def"
};
struct settings_chat {
#include "libshared/service/settings/chat.def"
};
struct settings_store {
#include "libshared/service/settings/store.def"
};
struct settings_share {
#include "libshared/service/settings/share.def"
};
#undef SETTING
/* clang-format on */

struct settings {
    struct settings_common common;
    struct settings_gateway gateway;
    struct settings_auth auth;
    struct settings_chat chat;
    struct settings_store store;
    struct settings_share share;
};

extern struct settings settings;             /* read once at start, constant from then on */
void settings_load(void);                    /* from the environment; exits with status 2 and one line */
void settings_print_help(const char *group); /* common and that group's */
void settings_print_markdown(void);          /* docs/settings.md */
void settings_print_env(void);               /* .env.example */
