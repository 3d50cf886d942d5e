/* single_use.c - the table of the secrets that are good once. */
// SPDX-License-Identifier: Apache-2.0
#include "services/auth/single_use/single_use.h"

#include <assert.h>
#include <openssl/evp.h>
#include <stdlib.h>

#include "libshared/base/secret.h"
#include "libshared/db/rows.h"

#define DATA_BYTES_MAX 4096

#define PURPOSE(name_, data_, life, most_, bound_, tries_, doc)                                                        \
    const struct single_use_purpose single_use_##name_ = {                                                             \
        .name = #name_, .data = data_##_shape, .life_s = life, .most = most_, .tries = tries_, .bound = bound_         \
    };
#include "services/auth/single_use/purposes.def"

struct single_use_row {
    struct id account_id;
    struct str data;
};
static const struct wire_field row_fields[] = {
    ROW_FIELD(struct single_use_row, account_id, ID),
    ROW_FIELD(struct single_use_row, data, BYTES),
    ROW_END,
};
static const struct wire_shape row_shape = { "single_use_row", "", sizeof(struct single_use_row), row_fields };

/* A purpose's name has no NUL, so no purpose and secret are spelled as another's. */
struct str single_use_hash(struct arena *arena, const struct single_use_purpose *purpose, struct str secret)
{
    struct str spelled = arena_printf(arena, "%s%c%.*s", purpose->name, '\0', STR_ARG(secret));
    unsigned char *hash = arena_alloc(arena, 32);

    if (EVP_Digest(spelled.at, spelled.len, hash, NULL, EVP_sha256(), NULL) != 1) abort();
    return (struct str){ (const char *)hash, 32 };
}

/* --- making --- */

static const char LOCK_HOLDER[] = "SELECT pg_advisory_xact_lock(hashtextextended($1 || ' ' || $2, 0))";
static const char END_OLDEST[] = "DELETE FROM single_use WHERE hash IN (SELECT hash FROM single_use"
                                 " WHERE purpose = $1 AND holder = $2 ORDER BY made_at DESC, hash OFFSET $3)";
static const char MAY_BE_MADE[] = "SELECT FROM single_use WHERE purpose = $1 AND holder = $2 AND used_at IS NULL"
                                  " AND expires_at > now() HAVING count(*) < $3";
static const char INSERT[] =
    "INSERT INTO single_use (hash, purpose, holder, account_id, data, made_at, expires_at) VALUES ($1, $2, $3, $4,"
    " $5, clock_timestamp(), now() + $6::bigint * interval '1 second')";

static enum err make_room(
    struct pg *pg, struct arena *arena, const struct single_use_purpose *purpose, struct str holder)
{
    struct pg_arg name = pg_text(str_of(purpose->name));
    int64_t rows;

    TRY(pg_run(pg, arena, LOCK_HOLDER, PG_ARGS(name, pg_text(holder)), NULL));
    if (purpose->bound == OLDEST_ENDS)
        return pg_run(pg, arena, END_OLDEST, PG_ARGS(name, pg_text(holder), pg_int(purpose->most - 1)), NULL);
    TRY(pg_run(pg, arena, MAY_BE_MADE, PG_ARGS(name, pg_text(holder), pg_int(purpose->most)), &rows));
    return rows == 1 ? OK : ERR_QUOTA_EXCEEDED;
}

static struct str holder_of(struct arena *arena, const struct single_use_draft *draft)
{
    char account[ID_TEXT_BYTES + 1];

    if (draft->holder.len > 0) return draft->holder;
    assert(!id_is_nil(draft->account) && "somebody holds it");
    id_format(draft->account, account);
    return arena_str(arena, str_of(account));
}

static int64_t life_of(const struct single_use_purpose *purpose, int64_t wanted_s)
{
    return wanted_s > 0 && wanted_s < purpose->life_s ? wanted_s : purpose->life_s;
}

enum err single_use_make(struct pg *pg, struct arena *arena, const struct single_use_purpose *purpose,
    const struct single_use_draft *draft, const void *data, struct str *secret)
{
    struct str holder = holder_of(arena, draft);
    struct buf bytes = BUF(DATA_BYTES_MAX);
    char text[SINGLE_USE_CHARS + 1];

    secret_text(text, SINGLE_USE_CHARS);
    *secret = arena_str(arena, str_of(text));
    enum err e = wire_encode(purpose->data(), data, &bytes);
    if (e == OK) e = make_room(pg, arena, purpose, holder);
    if (e == OK)
        e = pg_run(pg, arena, INSERT,
            PG_ARGS(pg_bytes(single_use_hash(arena, purpose, *secret)), pg_text(str_of(purpose->name)), pg_text(holder),
                pg_id(draft->account), pg_bytes(buf_str(&bytes)), pg_int(life_of(purpose, draft->life_s))),
            NULL);
    buf_free(&bytes);
    return e;
}

/* --- using --- */

/* A second use waits for the first one's commit, and finds used_at. */
static const char TAKE[] = "UPDATE single_use SET used_at = now() WHERE hash = $1 AND purpose = $2 AND used_at IS NULL"
                           " AND expires_at > now() RETURNING account_id, data";
static const char READ[] = "SELECT account_id, data FROM single_use WHERE hash = $1 AND purpose = $2"
                           " AND used_at IS NULL AND expires_at > now()";
static const char SPEND_TRY[] = "UPDATE single_use SET tries = tries + 1 WHERE hash = $1 AND purpose = $2"
                                " AND used_at IS NULL AND expires_at > now() AND tries < $3 RETURNING account_id, data";

static enum err read_row(struct arena *arena, const struct single_use_purpose *purpose,
    const struct single_use_row *row, struct id *account, void *data)
{
    struct wire_error why = { .field = "" };

    if (account != NULL) *account = row->account_id;
    return wire_decode(purpose->data(), row->data, arena, data, &why);
}

static enum err use_hashed(struct pg *pg, struct arena *arena, const char *sql,
    const struct single_use_purpose *purpose, struct str hash, struct id *account, void *data)
{
    struct pg_args args = *PG_ARGS(pg_bytes(hash), pg_text(str_of(purpose->name)));
    struct single_use_row row = { .data = STR("") };

    if (sql == SPEND_TRY) args.at[args.n++] = pg_int(purpose->tries);
    enum err e = pg_one(pg, arena, &row_shape, &row, sql, &args);
    if (e == ERR_NOT_FOUND) return ERR_GONE;
    return e == OK ? read_row(arena, purpose, &row, account, data) : e;
}

static enum err use_secret(struct pg *pg, struct arena *arena, const char *sql,
    const struct single_use_purpose *purpose, struct str secret, struct id *account, void *data)
{
    if (!secret_is_text(secret, SINGLE_USE_CHARS)) return ERR_GONE;
    return use_hashed(pg, arena, sql, purpose, single_use_hash(arena, purpose, secret), account, data);
}

enum err single_use_take(struct pg *pg, struct arena *arena, const struct single_use_purpose *purpose,
    struct str secret, struct id *account, void *data)
{
    return use_secret(pg, arena, TAKE, purpose, secret, account, data);
}

enum err single_use_read(struct pg *pg, struct arena *arena, const struct single_use_purpose *purpose,
    struct str secret, struct id *account, void *data)
{
    return use_secret(pg, arena, READ, purpose, secret, account, data);
}

enum err single_use_try(struct pg *pg, struct arena *arena, const struct single_use_purpose *purpose, struct str secret,
    struct id *account, void *data)
{
    return use_secret(pg, arena, SPEND_TRY, purpose, secret, account, data);
}

enum err single_use_read_hashed(
    struct pg *pg, struct arena *arena, const struct single_use_purpose *purpose, struct str hash, void *data)
{
    return use_hashed(pg, arena, READ, purpose, hash, NULL, data);
}

static const char WRITE[] = "UPDATE single_use SET data = $3 WHERE hash = $1 AND purpose = $2 AND used_at IS NULL";

enum err single_use_write_hashed(
    struct pg *pg, struct arena *arena, const struct single_use_purpose *purpose, struct str hash, const void *data)
{
    struct buf bytes = BUF(DATA_BYTES_MAX);
    int64_t rows = 0;
    enum err e = wire_encode(purpose->data(), data, &bytes);

    if (e == OK)
        e = pg_run(pg, arena, WRITE, PG_ARGS(pg_bytes(hash), pg_text(str_of(purpose->name)), pg_bytes(buf_str(&bytes))),
            &rows);
    buf_free(&bytes);
    return e == OK && rows == 0 ? ERR_GONE : e;
}

static const char NEWEST[] =
    "SELECT account_id, data FROM single_use WHERE purpose = $1 AND holder = $2 AND used_at IS NULL"
    " AND expires_at > now() ORDER BY made_at DESC LIMIT 1";

enum err single_use_newest(
    struct pg *pg, struct arena *arena, const struct single_use_purpose *purpose, struct str holder, void *data)
{
    struct single_use_row row = { .data = STR("") };
    enum err e = pg_one(pg, arena, &row_shape, &row, NEWEST, PG_ARGS(pg_text(str_of(purpose->name)), pg_text(holder)));

    if (e == ERR_NOT_FOUND) return ERR_GONE;
    return e == OK ? read_row(arena, purpose, &row, NULL, data) : e;
}

static const char END_ALL[] = "DELETE FROM single_use WHERE purpose = $1 AND account_id = $2";

enum err single_use_end(struct pg *pg, struct arena *arena, const struct single_use_purpose *purpose, struct id account)
{
    return pg_run(pg, arena, END_ALL, PG_ARGS(pg_text(str_of(purpose->name)), pg_id(account)), NULL);
}

static const char END_HELD[] = "DELETE FROM single_use WHERE purpose = $1 AND holder = $2";

enum err single_use_end_held(
    struct pg *pg, struct arena *arena, const struct single_use_purpose *purpose, struct str holder)
{
    return pg_run(pg, arena, END_HELD, PG_ARGS(pg_text(str_of(purpose->name)), pg_text(holder)), NULL);
}
