/* uses.c - so many uses of something, and no more. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/db/uses.h"

#include "libshared/db/rows.h"

struct uses_row {
    int64_t remaining;
    bool again;
};
static const struct wire_field uses_fields[] = {
    ROW_FIELD(struct uses_row, remaining, INT),
    ROW_FIELD(struct uses_row, again, BOOL),
    ROW_END,
};
static const struct wire_shape uses_shape = { "uses_row", "", sizeof(struct uses_row), uses_fields };

static const char PUT[] = "INSERT INTO uses_left (what, id, remaining) VALUES ($1, $2, $3)"
                          " ON CONFLICT (what, id) DO UPDATE SET remaining = excluded.remaining";
static const char REMOVE[] = "DELETE FROM uses_left WHERE what = $1 AND id = $2";

/* A statement of its own: the next one sees what those before committed who held the row. */
static const char LOCK[] = "SELECT remaining, false AS again FROM uses_left WHERE what = $1 AND id = $2 FOR UPDATE";

static const char TAKE[] =
    "WITH over AS (DELETE FROM use_taken WHERE what = $1 AND id = $2 AND request <> $3 AND at < $5),"
    " before AS (SELECT FROM use_taken WHERE what = $1 AND id = $2 AND request = $3 AND at >= $5),"
    " taken AS (UPDATE uses_left SET remaining = remaining - 1 WHERE what = $1 AND id = $2 AND remaining > 0"
    " AND NOT EXISTS (SELECT FROM before) RETURNING remaining),"
    " noted AS (INSERT INTO use_taken (what, id, request, at) SELECT $1, $2, $3, $4 FROM taken"
    " ON CONFLICT (what, id, request) DO UPDATE SET at = excluded.at)"
    " SELECT coalesce((SELECT remaining FROM taken), -1) AS remaining, EXISTS (SELECT FROM before) AS again";

enum err uses_set(struct pg *pg, struct arena *arena, struct uses_of of, int64_t n)
{
    struct pg_arg what = pg_text(str_of(of.what)), id = pg_text(of.id);

    return n == USES_ANY ? pg_run(pg, arena, REMOVE, PG_ARGS(what, id), NULL)
                         : pg_run(pg, arena, PUT, PG_ARGS(what, id, pg_int(n)), NULL);
}

enum err uses_take(struct pg *pg, struct arena *arena, struct uses_of of, struct str request, int64_t now,
    int64_t remember_ms, int64_t *left)
{
    struct uses_row held = { .remaining = 0 }, row = { .remaining = 0 };
    struct pg_arg what = pg_text(str_of(of.what)), id = pg_text(of.id);
    enum err e = pg_one(pg, arena, &uses_shape, &held, LOCK, PG_ARGS(what, id));

    *left = USES_ANY;
    if (e == ERR_NOT_FOUND) return OK;
    TRY(e);
    TRY(pg_one(pg, arena, &uses_shape, &row, TAKE,
        PG_ARGS(what, id, pg_text(request), pg_time(now), pg_time(remember_ms > 0 ? now - remember_ms : 1))));
    *left = row.remaining >= 0 ? row.remaining : held.remaining;
    return row.remaining >= 0 || row.again ? OK : ERR_NOT_FOUND;
}
