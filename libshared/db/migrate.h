/* migrate.h - brings a schema to the newest version: migrations/<service>/NNNN_*.sql, forward only, each in its own
 * transaction, under an advisory lock, each file's SHA-256 recorded and compared at every start. */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/base/err.h"

/* Connects as the schema's own role; `dir` holds this schema's files ("migrations/auth").  Logs each file.
 * ERR_CONFLICT: an applied file was changed or is missing, or numbers have a gap: refuse the start.
 * ERR_UNAVAILABLE: no database (yet): try again.  ERR_INTERNAL: a file failed; nothing of it stays. */
enum err migrate_up(const char *conninfo, const char *schema, const char *dir) MUST_CHECK;
