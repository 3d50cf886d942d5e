/*
 * pg.h - one connection to PostgreSQL: prepared statements only, rows into records by column name.
 *
 * A call begins its transaction with its first statement; rpc_server commits or rolls back.  A connection that breaks
 * is opened again by the next call; the call that lost it fails with unavailable.
 */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/wire/records.h"

struct pg;
struct pg_result;

struct pg *pg_create(const char *conninfo, const char *schema); /* connects lazily; never NULL */
void pg_destroy(struct pg **pg);
bool pg_is_up(struct pg *pg); /* connects if it has to */
/* Each file that libpq reads for such a connection, whether it is there or not. */
void pg_files(const char *conninfo, void (*name)(void *arg, const char *path), void *arg);
const char *pg_last_error(const struct pg *pg); /* for logs; holds no secret */

struct pg_arg {
    const char *at;
    int len;
    int format;
    unsigned type;
    char text[40];
};
#define PG_MAX_ARGS 20
struct pg_args {
    struct pg_arg at[PG_MAX_ARGS];
    int n;
};
#define PG_ARGS(...) (&(struct pg_args){ .at = { __VA_ARGS__ }, .n = (int)COUNT(((struct pg_arg[]){ __VA_ARGS__ })) })
#define PG_NO_ARGS   (&(struct pg_args){ .n = 0 })

struct pg_arg pg_id(struct id id);      /* nil is NULL */
struct pg_arg pg_text(struct str text); /* at == NULL is NULL */
struct pg_arg pg_int(int64_t n);
struct pg_arg pg_bool(bool b);
struct pg_arg pg_time(int64_t ms);                                        /* timestamptz; 0 is NULL */
struct pg_arg pg_bytes(struct str bytes);                                 /* bytea */
struct pg_arg pg_json(struct arena *arena, struct str any);               /* an ANY (msgpack) as jsonb; none is NULL */
struct pg_arg pg_texts(struct arena *arena, struct str_list list);        /* text[] */
struct pg_arg pg_ids(struct arena *arena, struct id_list list);           /* uuid[] */
struct pg_arg pg_ints(struct arena *arena, const int64_t *at, size_t n);  /* bigint[] */
struct pg_arg pg_times(struct arena *arena, const int64_t *at, size_t n); /* timestamptz[] */
struct pg_arg pg_jsons(
    struct arena *arena, struct str_list list); /* json[] of ANYs, whose text PostgreSQL keeps; in lists
                                                                    * too at == NULL is NULL */
/* Does PostgreSQL print an ANY that is kept as jsonb in so many bytes?  It writes numbers without exponents. */
bool pg_json_fits(struct str any, size_t max);

/* A statement is named by its text's address and prepared at its first use on each connection: `sql` must be a constant. */
enum err pg_one(struct pg *pg, struct arena *arena, const struct wire_shape *shape, void *rec, const char *sql,
    const struct pg_args *args) MUST_CHECK; /* ERR_NOT_FOUND: no row */
enum err pg_all(struct pg *pg, struct arena *arena, const struct wire_shape *shape, void *list, size_t max,
    const char *sql,
    const struct pg_args *args) MUST_CHECK; /* list: a struct <rec>_list; more than max rows: ERR_INTERNAL */
enum err pg_run(struct pg *pg, struct arena *arena, const char *sql, const struct pg_args *args,
    int64_t *rows) MUST_CHECK; /* rows may be NULL */
/* ERR_CONFLICT: a unique or exclusion constraint, or another row that refers.  ERR_UNAVAILABLE: no database.  ERR_DEADLINE: statement_timeout.
 * ERR_INTERNAL: all else, logged here with the SQLSTATE. */
/* Before a call's first statement: all of them see the database as it is at the first, and change nothing. */
enum err pg_one_snapshot(struct pg *pg, struct arena *arena) MUST_CHECK;
enum err pg_commit(struct pg *pg) MUST_CHECK; /* OK if nothing was begun */
/* After a commit, for what cannot be in a transaction, such as DETACH ... CONCURRENTLY; five seconds at most.  A text of
 * ours: it is not prepared. */
enum err pg_run_alone(struct pg *pg, const char *sql) MUST_CHECK;
void pg_rollback(struct pg *pg);
void pg_set_deadline(struct pg *pg, int64_t deadline_us); /* statements get a timeout from what is left */

/* What a column becomes: the field of its name.  uuid: ID; timestamptz: TIME; integers: INT, TIME; boolean: BOOL; bytea:
 * BYTES, ANY (msgpack); text and its kin: TEXT; json, jsonb: ANY, LIST (checked by its record); text[], uuid[]: TEXTS, IDS.
 * NULL is an absent optional.  A column without a field, or of another type, is our bug: ERR_INTERNAL.  Fields without a
 * column keep what they had. */

/* For the hot paths that speak libpq themselves (the store's batch): the connection, or NULL while there is none. */
struct pg_conn;
struct pg_conn *pg_raw(struct pg *pg); /* really a PGconn* */
/* What was sent is on its way, and the next result can be taken without waiting.  false: not until then, or the connection is gone. */
bool pg_raw_wait(struct pg_conn *conn, int64_t until_us);
#define PG_GRACE_US 1000000 /* behind the server's own timeout, which should strike first */
