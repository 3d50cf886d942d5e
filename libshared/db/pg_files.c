/* pg_files.c - which files libpq reads for a connection. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/db/pg.h"

#include <libpq-fe.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool is_file(const char *keyword)
{
    static const char *const files[] = { "passfile", "sslcert", "sslkey", "sslrootcert", "sslcrl", "sslcrldir" };

    for (size_t i = 0; i < COUNT(files); i++)
        if (strcmp(files[i], keyword) == 0) return true;
    return false;
}

static void name_files(PQconninfoOption *options, void (*name)(void *arg, const char *path), void *arg)
{
    for (const PQconninfoOption *option = options; option != NULL && option->keyword != NULL; option++)
        if (is_file(option->keyword) && option->val != NULL && option->val[0] != '\0') name(arg, option->val);
    PQconninfoFree(options);
}

static void name_home_files(void (*name)(void *arg, const char *path), void *arg)
{
    static const char *const files[] = { ".pgpass", ".postgresql", ".pg_service.conf" };
    const struct passwd *user = getpwuid(geteuid());
    const char *home = getenv("HOME");
    char path[600];

    if (home == NULL || home[0] == '\0') home = user == NULL ? NULL : user->pw_dir;
    if (home == NULL) return;
    for (size_t i = 0; i < COUNT(files); i++) {
        snprintf(path, sizeof path, "%s/%s", home, files[i]);
        name(arg, path);
    }
}

void pg_files(const char *conninfo, void (*name)(void *arg, const char *path), void *arg)
{
    name_home_files(name, arg);
    name_files(PQconndefaults(), name, arg);
    name_files(PQconninfoParse(conninfo, NULL), name, arg);
}
