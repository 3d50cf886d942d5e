/* pg_query.c - what handlers call: one row, all rows, or no rows. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/db/pg_private.h"

#include <stdlib.h>
#include <string.h>

#include "libshared/base/log.h"

static void clear_result(void *res)
{
    PQclear(res);
}

static void log_failed(const char *why, const char *sql, int rows)
{
    LOG_BOUNDED(ERROR, "pg.failed", F_TEXT("why", why), F_TEXT("sql", sql), F_INT("rows", rows));
}

/* Records hold views into the result, so it lives as long as the arena. */
static enum err execute_statement(
    struct pg *pg, struct arena *arena, const char *sql, const struct pg_args *args, PGresult **out)
{
    TRY(pg_execute(pg, sql, args, out));
    arena_on_reset(arena, clear_result, *out);
    return OK;
}

enum err pg_one(struct pg *pg, struct arena *arena, const struct wire_shape *shape, void *rec, const char *sql,
    const struct pg_args *args)
{
    struct pg_columns columns;
    PGresult *res;

    TRY(execute_statement(pg, arena, sql, args, &res));
    if (PQntuples(res) == 0) return ERR_NOT_FOUND;
    if (PQntuples(res) > 1) {
        log_failed("more than one row", sql, PQntuples(res));
        return ERR_INTERNAL;
    }
    TRY(pg_columns_match(res, shape, sql, &columns));
    return pg_row_read(res, 0, &columns, arena, rec);
}

/* What every struct <rec>_list is. */
enum err pg_all(struct pg *pg, struct arena *arena, const struct wire_shape *shape, void *list, size_t max,
    const char *sql, const struct pg_args *args)
{
    struct pg_columns columns;
    PGresult *res;

    TRY(execute_statement(pg, arena, sql, args, &res));
    size_t n = (size_t)PQntuples(res);
    if (n > max) {
        log_failed("more rows than the bound", sql, PQntuples(res));
        return ERR_INTERNAL;
    }
    TRY(pg_columns_match(res, shape, sql, &columns));

    char *at = arena_zero(arena, n * shape->size);
    for (size_t i = 0; i < n; i++) TRY(pg_row_read(res, (int)i, &columns, arena, at + i * shape->size));
    memcpy(list, &(struct wire_list){ at, n }, sizeof(struct wire_list));
    return OK;
}

enum err pg_run(struct pg *pg, struct arena *arena, const char *sql, const struct pg_args *args, int64_t *rows)
{
    PGresult *res;

    (void)arena;
    TRY(pg_execute(pg, sql, args, &res));
    if (rows != NULL) *rows = atoll(PQcmdTuples(res));
    PQclear(res);
    return OK;
}
