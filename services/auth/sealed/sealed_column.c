/* sealed_column.c - sealing a column's values, and sealing them again when the file key has a new first line. */
// SPDX-License-Identifier: Apache-2.0
#include "services/auth/sealed/sealed_column.h"

#include "libshared/base/hex.h"
#include "libshared/base/log.h"
#include "libshared/base/sealed.h"
#include "libshared/db/rows.h"
#include "services/auth/auth.h"

#define ROWS_AT_ONCE   1000
#define KEY_OF(column) "substr(" column ", 2, 4)" /* libshared/base/sealed.h: behind the version */

struct sealed_column {
    const char *name, *former, *update, *counts;
};

/* clang-format off */
#define SEALED(table, row, column)                                                                                     \
    const struct sealed_column sealed_##table##_##column = {                                                           \
        .name = #table "." #column,                                                                                    \
        .former = "SELECT " #row "::text AS row, " #column " AS sealed FROM " #table " WHERE " KEY_OF(#column) " <> $1" \
                  " LIMIT $2 FOR UPDATE",                              \
        .update = "UPDATE " #table " SET " #column " = $2 WHERE " #row "::text = $1",                                  \
        .counts = "SELECT encode(" KEY_OF(#column) ", 'hex') AS id, count(*) AS sealed FROM " #table                   \
                  " WHERE " #column " IS NOT NULL GROUP BY 1 ORDER BY 1",                                              \
    };
#include "services/auth/sealed/columns.def"
#undef SEALED

static const struct sealed_column *const COLUMNS[] = {
#define SEALED(table, row, column) &sealed_##table##_##column,
#include "services/auth/sealed/columns.def"
#undef SEALED
};
/* clang-format on */

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
    return arena_printf(arena, "auth.%s:%.*s", column->name, STR_ARG(row));
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

enum err sealed_columns_renew(struct pg *pg)
{
    /* bound: a page of ROWS_AT_ONCE values of ours */
    struct arena *page = arena_create("auth.renew", 16u << 20);
    enum err e = OK;
    int64_t n = 0;

    for (size_t i = 0; i < COUNT(COLUMNS) && e == OK; i++) e = renew_column(pg, page, COLUMNS[i], &n);
    if (n > 0) LOG(INFO, "sealed.renewed", F_INT("n", n));
    arena_destroy(&page);
    return e;
}

/* --- who has sealed how much --- */

static size_t place_of(struct file_key_list *keys, struct str id)
{
    for (size_t i = 0; i < keys->len; i++)
        if (str_eq(keys->at[i].id, id)) return i;
    keys->at[keys->len] = (struct file_key){ .id = id };
    return keys->len++;
}

static enum err count_column(struct call *call, const struct sealed_column *column, struct file_key_list *keys)
{
    struct file_key_list found;

    TRY(pg_all(call->pg, call->arena, file_key_shape(), &found, FILE_KEYS_SHOWN, column->counts, PG_NO_ARGS));
    for (size_t i = 0; i < found.len; i++) {
        if (keys->len == FILE_KEYS_SHOWN) return call_fail(call, ERR_TOO_LARGE, "%zu file keys", keys->len);
        keys->at[place_of(keys, found.at[i].id)].sealed += found.at[i].sealed;
    }
    return OK;
}

enum err file_key_list(struct call *call, const struct nothing *req, struct file_key_page *rep)
{
    (void)req;
    rep->file_keys.at = arena_zero(call->arena, FILE_KEYS_SHOWN * sizeof *rep->file_keys.at);
    for (size_t i = 0; i < file_keys_count(); i++) {
        char id[2 * FILE_KEY_ID_BYTES + 1];
        hex_format(file_key_id(i), FILE_KEY_ID_BYTES, id);
        struct file_key *key = &rep->file_keys.at[place_of(&rep->file_keys, arena_str(call->arena, str_of(id)))];
        key->place = (int64_t)i + 1;
    }
    for (size_t i = 0; i < COUNT(COLUMNS); i++) TRY(count_column(call, COLUMNS[i], &rep->file_keys));
    return OK;
}
