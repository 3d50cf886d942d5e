/* pg_cluster.c - see pg_cluster.h. */
// SPDX-License-Identifier: Apache-2.0

#include "tests/service/pg_cluster.h"

char pg_cluster_dir[200];
void pg_cluster_run(const char *verb)
{
    char command[500];

    snprintf(command, sizeof command, "tests/service/pg_cluster.sh %s %s", verb, pg_cluster_dir);
    if (system(command) != 0) {
        fprintf(stderr, "pg_cluster %s failed\n", verb);
        exit(1);
    }
}

void pg_cluster_start(void)
{
    char command[100];

    snprintf(command, sizeof command, "tests/service/pg_cluster.sh start %d", (int)getpid());
    FILE *out = popen(command, "r");
    if (out == NULL || fgets(pg_cluster_dir, sizeof pg_cluster_dir, out) == NULL || pclose(out) != 0) {
        fprintf(stderr, "no PostgreSQL could be started\n");
        exit(1);
    }
    pg_cluster_dir[strcspn(pg_cluster_dir, "\n")] = '\0';
}

const char *pg_cluster_conninfo(const char *name)
{
    static _Thread_local char text[600];

    snprintf(text, sizeof text, "host=%s dbname=madang user=madang_%s passfile=%s/secrets/%s.pgpass", pg_cluster_dir,
        name, pg_cluster_dir, name);
    return text;
}
