/* sealed_column.c - sealing a column's values, and sealing them again when the file key has a new first line. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/db/sealed_column.h"

#include "libshared/base/hex.h"
#include "libshared/base/log.h"
#include "libshared/base/sealed.h"
#include "libshared/db/rows.h"

#define ROWS_AT_ONCE 1000

struct sealed_row {
    struct str row, sealed;
};
struct sealed_row_list {
    struct sealed_row *at;
    size_t len;
};
static const struct wire_field row_fields[] = {
    ROW_FIELD(struct sealed_row, row, TEXT),
    ROW_FIELD(struct sealed_row, sealed, BYTES),
    ROW_END,
};
static const struct wire_shape row_shape = { "sealed_row", "", sizeof(struct sealed_row), row_fields };

static struct str purpose_of(struct arena *arena, const struct sealed_column *column, struct str row)
{
    return arena_printf(arena, "%s.%s:%.*s", column->schema, column->name, STR_ARG(row));
}

struct str column_seal(struct arena *arena, const struct sealed_column *column, struct str row, struct str plain)
{
    return seal(arena, purpose_of(arena, column, row), plain);
}

enum err column_unseal(
    struct arena *arena, const struct sealed_column *column, struct str row, struct str sealed, struct str *plain)
{
    const unsigned char *key = sealed_key_id(sealed);
    char id[2 * FILE_KEY_ID_BYTES + 1] = "";

    if (unseal(arena, purpose_of(arena, column, row), sealed, plain)) return OK;
    if (key != NULL) hex_format(key, FILE_KEY_ID_BYTES, id);
    LOG(ERROR, "sealed.not_opened", F_TEXT("column", column->name), F_STR("row", row), F_TEXT("file_key", id));
    return ERR_INTERNAL;
}

/* --- a new first line --- */

static enum err renew_row(
    struct pg *pg, struct arena *arena, const struct sealed_column *column, const struct sealed_row *row)
{
    struct str plain;

    if (column_unseal(arena, column, row->row, row->sealed, &plain) != OK) return ERR_CONFLICT;
    return pg_run(pg, arena, column->update,
        PG_ARGS(pg_text(row->row), pg_bytes(column_seal(arena, column, row->row, plain))), NULL);
}

/* What was sealed again is none of the former ones any more, so each page begins where the last one ended. */
static enum err renew_column(struct pg *pg, struct arena *page, const struct sealed_column *column, int64_t *n)
{
    struct str newest = { (const char *)file_key_id(0), FILE_KEY_ID_BYTES };
    struct sealed_row_list rows;

    do {
        arena_reset(page);
        TRY(pg_all(pg, page, &row_shape, &rows, ROWS_AT_ONCE, column->former,
            PG_ARGS(pg_bytes(newest), pg_int(ROWS_AT_ONCE))));
        for (size_t i = 0; i < rows.len; i++) TRY(renew_row(pg, page, column, &rows.at[i]));
        *n += (int64_t)rows.len;
    } while (rows.len == ROWS_AT_ONCE);
    return OK;
}

enum err sealed_columns_renew(struct pg *pg, const struct sealed_column *const *columns, size_t n_columns)
{
    /* bound: a page of ROWS_AT_ONCE values of ours */
    struct arena *page = arena_create("renew", 16u << 20);
    enum err e = OK;
    int64_t n = 0;

    for (size_t i = 0; i < n_columns && e == OK; i++) e = renew_column(pg, page, columns[i], &n);
    if (n > 0) LOG(INFO, "sealed.renewed", F_INT("n", n));
    arena_destroy(&page);
    return e;
}
