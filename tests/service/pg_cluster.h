/* pg_cluster.h - a private PostgreSQL for a C test: see pg_cluster.sh. */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

extern char pg_cluster_dir[200];

void pg_cluster_run(const char *verb);

/* Run from the repository's root.  The cluster ends with this process. */
void pg_cluster_start(void);

/* How service `name`'s role connects; valid until the thread's next call. */
const char *pg_cluster_conninfo(const char *name);
