/* pg_statement.c - one statement: prepared once per connection, then sent with its arguments. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/db/pg_private.h"

#include <assert.h>

#include "libshared/base/clock.h"

/* Where this statement's address is, or would be, in the set of prepared ones. */
static const void **slot_of(struct pg *pg, const char *sql)
{
    size_t i = ((uintptr_t)sql >> 3) * 0x9E3779B97F4A7C15u >> 20;

    for (;; i++) {
        const void **slot = &pg->prepared[i & (PG_PREPARED_SLOTS - 1)];
        if (*slot == NULL || *slot == sql) return slot;
    }
}

static enum err prepare_statement(struct pg *pg, const char *name, const char *sql, const struct pg_args *args)
{
    const void **slot = slot_of(pg, sql);
    Oid types[PG_MAX_ARGS];

    if (*slot == sql) return OK;
    for (int i = 0; i < args->n; i++) types[i] = args->at[i].type;

    PGresult *res;
    TRY(pg_finish(pg, PQsendPrepare(pg->conn, name, sql, args->n, types), sql, &res));
    PQclear(res);
    assert(pg->n_prepared < PG_PREPARED_SLOTS / 2); /* else somebody names statements that are no constants */
    pg->n_prepared++;
    *slot = sql;
    return OK;
}

static int send_prepared(struct pg *pg, const char *name, const struct pg_args *args)
{
    const char *values[PG_MAX_ARGS];
    int lens[PG_MAX_ARGS], formats[PG_MAX_ARGS];

    for (int i = 0; i < args->n; i++) {
        const struct pg_arg *a = &args->at[i];
        bool is_null = a->len < 0;
        values[i] = is_null ? NULL : a->at != NULL ? a->at : a->text;
        lens[i] = is_null ? 0 : a->len;
        formats[i] = a->format;
    }
    return PQsendQueryPrepared(pg->conn, name, args->n, values, lens, formats, 1);
}

enum err pg_execute(struct pg *pg, const char *sql, const struct pg_args *args, PGresult **out)
{
    char name[24];

    assert(args->n <= PG_MAX_ARGS);
    TRY(pg_begin(pg));
    if (pg->deadline_us != 0 && clock_mono_us() >= pg->deadline_us) return ERR_DEADLINE;

    snprintf(name, sizeof name, "s%llx", (unsigned long long)(uintptr_t)sql);
    TRY(prepare_statement(pg, name, sql, args));
    return pg_finish(pg, send_prepared(pg, name, args), sql, out);
}
