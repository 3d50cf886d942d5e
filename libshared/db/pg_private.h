/*
 * pg_private.h - what the files of pg share; each calls only those below it.
 *
 *      pg_query.c         one row, all rows, no rows: what handlers call
 *      pg_statement.c     a statement, prepared and sent        pg_row.c, pg_arg.c   rows out, arguments in
 *      pg_transaction.c   begun, kept or undone
 *      pg_answer.c        what the server says to what was sent
 *      pg.c               the connection
 */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <libpq-fe.h>

#include "libshared/db/pg.h"

#define PG_PREPARED_SLOTS 1024 /* a power of two, several times the statements of any service */

struct pg {
    PGconn *conn; /* NULL before the first connect and after a loss */
    char *conninfo;
    char *schema;
    bool begun;          /* a transaction is open */
    bool lost;           /* the connection broke inside a transaction that nobody has ended yet */
    int64_t deadline_us; /* 0: none */
    int64_t retry_at_us; /* after a failed connect: not before */
    const void *prepared[PG_PREPARED_SLOTS];
    size_t n_prepared;
    char error[300];
};

/* pg.c */
bool pg_connect(struct pg *pg);
void pg_drop(struct pg *pg); /* the connection is of no more use */
/* Why there is no connection, for a log.  libpq quotes a connection string that it cannot read, password and all: of
 * such a one it says no more than that. */
const char *pg_why(const PGconn *conn, const char *conninfo);

/* pg_answer.c: sent was 1 if libpq took the query.  OK: *out is the caller's to clear. */
enum err pg_finish(struct pg *pg, int sent, const char *what, PGresult **out) MUST_CHECK;
enum err pg_command(struct pg *pg, const char *sql) MUST_CHECK;

/* pg_transaction.c */
enum err pg_begin(struct pg *pg) MUST_CHECK;

/* pg_statement.c: OK: *out is the caller's to clear. */
enum err pg_execute(struct pg *pg, const char *sql, const struct pg_args *args, PGresult **out) MUST_CHECK;

/* pg_row.c */
struct pg_columns {
    const struct wire_field *of[WIRE_MAX_FIELDS];
    int n;
};
enum err pg_columns_match(
    const PGresult *res, const struct wire_shape *shape, const char *sql, struct pg_columns *out) MUST_CHECK;
enum err pg_row_read(
    const PGresult *res, int row, const struct pg_columns *columns, struct arena *arena, void *rec) MUST_CHECK;

/* PostgreSQL's type numbers (catalog/pg_type.dat): fixed for ever. */
enum {
    PG_BOOL = 16,
    PG_BYTEA = 17,
    PG_NAME = 19,
    PG_INT8 = 20,
    PG_INT2 = 21,
    PG_INT4 = 23,
    PG_TEXT = 25,
    PG_OID = 26,
    PG_JSON = 114,
    PG_JSONS = 199,
    PG_INT8S = 1016,
    PG_TEXTS = 1009,
    PG_BPCHAR = 1042,
    PG_VARCHAR = 1043,
    PG_TIMESTAMPTZ = 1184,
    PG_TIMESTAMPTZS = 1185,
    PG_UUID = 2950,
    PG_UUIDS = 2951,
    PG_JSONB = 3802,
};

/* Milliseconds from 1970 to 2000, where PostgreSQL's timestamps begin. */
#define PG_EPOCH_MS INT64_C(946684800000)

static inline void pg_put32(char *at, uint32_t n)
{
    for (int i = 0; i < 4; i++) at[i] = (char)(n >> (24 - 8 * i));
}

static inline void pg_put64(char *at, uint64_t n)
{
    pg_put32(at, (uint32_t)(n >> 32));
    pg_put32(at + 4, (uint32_t)n);
}

static inline uint64_t pg_get(const char *at, int len)
{
    uint64_t n = 0;

    for (int i = 0; i < len; i++) n = n << 8 | (unsigned char)at[i];
    return n;
}
