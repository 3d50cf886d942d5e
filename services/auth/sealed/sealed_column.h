/*
 * sealed_column.h - columns that are encrypted with the file key: a row of columns.def each.
 *
 * What is sealed says of which table, column and row it is, so it opens nowhere else.  What a former line of the file key
 * has sealed is opened, and sealed again with the first one when auth starts.
 */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/db/pg.h"

struct sealed_column;
#define SEALED(table, row, column) extern const struct sealed_column sealed_##table##_##column;
#include "services/auth/sealed/columns.def"
#undef SEALED

struct str column_seal(struct arena *arena, const struct sealed_column *column, struct str row, struct str plain);
/* ERR_INTERNAL, which the log says: it was sealed with a key that the file key has no line of, or changed. */
enum err column_unseal(struct arena *arena, const struct sealed_column *column, struct str row, struct str sealed,
    struct str *plain) MUST_CHECK;

/* All that the first line of the file key has not sealed, it seals.  ERR_CONFLICT: some of it cannot be opened. */
enum err sealed_columns_renew(struct pg *pg) MUST_CHECK;
