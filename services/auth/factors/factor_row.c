/* factor_row.c - the rows of `factor`. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/db/rows.h"
#include "services/auth/factors/factors.h"

static const struct wire_field row_fields[] = {
    ROW_FIELD(struct factor_row, id, ID),
    ROW_FIELD(struct factor_row, account_id, ID),
    ROW_FIELD(struct factor_row, name, TEXT),
    ROW_FIELD(struct factor_row, sealed, BYTES),
    ROW_FIELD(struct factor_row, credential, BYTES),
    ROW_FIELD(struct factor_row, public_key, BYTES),
    ROW_FIELD(struct factor_row, algorithm, INT),
    ROW_FIELD(struct factor_row, counter, INT),
    ROW_FIELD(struct factor_row, confirmed_at, TIME),
    ROW_END,
};
static const struct wire_shape row_shape = { "factor_row", "", sizeof(struct factor_row), row_fields };

#define FACTOR                                                                                                         \
    "SELECT id, account_id, name, sealed, credential, public_key, algorithm, counter, confirmed_at FROM factor "

static const char APP[] = FACTOR "WHERE account_id = $1 AND kind = 'totp'";
static const char PASSKEY[] = FACTOR "WHERE credential = $1";

enum err factor_of_app(struct pg *pg, struct arena *arena, struct id account, struct factor_row *out)
{
    *out = (struct factor_row){ .counter = 0 };
    return pg_one(pg, arena, &row_shape, out, APP, PG_ARGS(pg_id(account)));
}

enum err factor_of_passkey(struct pg *pg, struct arena *arena, struct str credential, struct factor_row *out)
{
    *out = (struct factor_row){ .counter = 0 };
    return pg_one(pg, arena, &row_shape, out, PASSKEY, PG_ARGS(pg_bytes(credential)));
}

/* Of those who come at once with the same one gets it; authenticators that do not count say 0 each time. */
static const char USE[] = "UPDATE factor SET counter = $2, last_used_at = $3 WHERE id = $1"
                          " AND (counter < $2 OR (kind = 'passkey' AND counter = 0 AND $2 = 0))";

enum err factor_used(struct call *call, struct id factor, int64_t counter)
{
    int64_t rows;

    TRY(pg_run(call->pg, call->arena, USE, PG_ARGS(pg_id(factor), pg_int(counter), pg_time(call->now)), &rows));
    return rows == 1 ? OK : ERR_CREDENTIALS_INVALID;
}

/* --- what is asked for --- */

struct own_factors {
    bool app, passkey, recovery;
};
static const struct wire_field held_fields[] = {
    ROW_FIELD(struct own_factors, app, BOOL),
    ROW_FIELD(struct own_factors, passkey, BOOL),
    ROW_FIELD(struct own_factors, recovery, BOOL),
    ROW_END,
};
static const struct wire_shape held_shape = { "held", "", sizeof(struct own_factors), held_fields };

static const char HELD[] =
    "SELECT EXISTS (SELECT FROM factor WHERE account_id = $1 AND kind = 'totp' AND confirmed_at IS NOT NULL) AS app,"
    " EXISTS (SELECT FROM factor WHERE account_id = $1 AND kind = 'passkey') AS passkey,"
    " EXISTS (SELECT FROM recovery_code WHERE account_id = $1) AS recovery";

static bool is_second(struct str method)
{
    return str_is(method, METHOD_TOTP) || str_is(method, METHOD_RECOVERY) || str_is(method, METHOD_PASSKEY);
}

enum err factors_asked(
    struct pg *pg, struct arena *arena, struct id account, struct str_list methods, struct str_list *out)
{
    struct own_factors held;
    struct str *kinds = arena_alloc(arena, 3 * sizeof *kinds);

    *out = (struct str_list){ NULL, 0 };
    for (size_t i = 0; i < methods.len; i++)
        if (is_second(methods.at[i])) return OK;
    TRY(pg_one(pg, arena, &held_shape, &held, HELD, PG_ARGS(pg_id(account))));
    if (!held.app) return OK;
    out->at = kinds;
    out->at[out->len++] = STR(METHOD_TOTP);
    if (held.passkey) out->at[out->len++] = STR(METHOD_PASSKEY);
    if (held.recovery) out->at[out->len++] = STR(METHOD_RECOVERY);
    return OK;
}
