/*
 * sealed_column.h - columns that are encrypted with the file key.
 *
 *      const struct sealed_column sealed_factor_sealed = SEALED_COLUMN("auth", factor, id, sealed);
 *
 * What is sealed says of which schema, table, column and row it is, so it opens nowhere else.  What a former line of the file key
 * has sealed is opened, and sealed again with the first one when its service starts.
 */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/db/pg.h"

struct sealed_column {
    const char *schema, *name, *former, *update, *counts;
};

#define SEALED_KEY_OF(column) "substr(" column ", 2, 4)" /* libshared/base/sealed.h: behind the version */
/* clang-format off */
#define SEALED_COLUMN(schema_, table, row, column)                                                                     \
    {                                                                                                                  \
        .schema = schema_, .name = #table "." #column,                                                                 \
        .former = "SELECT " #row "::text AS row, " #column " AS sealed FROM " #table                                   \
                  " WHERE " SEALED_KEY_OF(#column) " <> $1 LIMIT $2 FOR UPDATE",                                       \
        .update = "UPDATE " #table " SET " #column " = $2 WHERE " #row "::text = $1",                                  \
        .counts = "SELECT encode(" SEALED_KEY_OF(#column) ", 'hex') AS id, count(*) AS sealed FROM " #table            \
                  " WHERE " #column " IS NOT NULL GROUP BY 1 ORDER BY 1",                                              \
    }
/* clang-format on */

struct str column_seal(struct arena *arena, const struct sealed_column *column, struct str row, struct str plain);
/* ERR_INTERNAL, which the log says: it was sealed with a key that the file key has no line of, or changed. */
enum err column_unseal(struct arena *arena, const struct sealed_column *column, struct str row, struct str sealed,
    struct str *plain) MUST_CHECK;

/* All that the first line of the file key has not sealed, it seals.  ERR_CONFLICT: some of it cannot be opened. */
enum err sealed_columns_renew(struct pg *pg, const struct sealed_column *const *columns, size_t n) MUST_CHECK;
