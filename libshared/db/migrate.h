/* migrate.h - brings a schema to the newest version: migrations/<service>/NNNN_*.sql, forward only, each in its own
 * transaction, under an advisory lock, each file's SHA-256 recorded and compared at every start. */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/base/err.h"

/* Connects as the schema's own role.  Logs each file.  A changed or missing applied file refuses the start. */
enum err migrate_up(const char *conninfo, const char *schema, const char *dir) MUST_CHECK;
