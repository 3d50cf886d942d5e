/* former_schema.c - see former_schema.h. */
// SPDX-License-Identifier: Apache-2.0
#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "tests/service/former_schema.h"
#include "libshared/db/migrate.h"
#include "tests/service/pg_cluster.h"

/* Links to the migrations of then, in a directory beside the cluster. */
static void link_migrations(const char *service, int last, const char *dir)
{
    char from[300], to[PATH_MAX], root[PATH_MAX];
    struct dirent *entry;

    assert_int_equal(mkdir(dir, 0755), 0);
    assert_non_null(getcwd(root, sizeof root));
    snprintf(from, sizeof from, "migrations/%s", service);
    DIR *all = opendir(from);
    assert_non_null(all);
    while ((entry = readdir(all)) != NULL) {
        char target[2 * PATH_MAX];
        if (atoi(entry->d_name) < 1 || atoi(entry->d_name) > last) continue;
        snprintf(target, sizeof target, "%s/%s/%s", root, from, entry->d_name);
        snprintf(to, sizeof to, "%s/%s", dir, entry->d_name);
        assert_int_equal(symlink(target, to), 0);
    }
    closedir(all);
}

void former_schema_make(const char *service, int last)
{
    char dir[300], command[400];

    snprintf(dir, sizeof dir, "%s-migrations", pg_cluster_dir);
    link_migrations(service, last, dir);
    assert_int_equal(migrate_up(pg_cluster_conninfo(service), service, dir), OK);
    snprintf(command, sizeof command, "rm -r '%s'", dir);
    assert_int_equal(system(command), 0);
}
