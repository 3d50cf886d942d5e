/* file_key_list.c - what auth keeps encrypted with the file key, and how much each of its lines has sealed. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/base/hex.h"
#include "libshared/base/sealed.h"
#include "services/auth/auth.h"
#include "services/auth/sealed/auth_columns.h"

#define SEALED(table, row, column)                                                                                     \
    const struct sealed_column sealed_##table##_##column = SEALED_COLUMN("auth", table, row, column);
#include "services/auth/sealed/columns.def"
#undef SEALED

static const struct sealed_column *const COLUMNS[] = {
#define SEALED(table, row, column) &sealed_##table##_##column,
#include "services/auth/sealed/columns.def"
#undef SEALED
};

enum err auth_columns_renew(struct pg *pg)
{
    return sealed_columns_renew(pg, COLUMNS, COUNT(COLUMNS));
}

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
