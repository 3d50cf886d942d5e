/* pg.c - one connection: opened when needed, opened again when lost. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/db/pg_private.h"

#include <string.h>

#include "libshared/base/clock.h"
#include "libshared/base/log.h"

#define RETRY_US 200000

static char *copy_text(const char *text)
{
    size_t size = strlen(text) + 1;

    return memcpy(mem_alloc(size), text, size);
}

struct pg *pg_create(const char *conninfo, const char *schema)
{
    struct pg *pg = mem_zero(sizeof *pg);

    pg->conninfo = copy_text(conninfo);
    pg->schema = copy_text(schema);
    return pg;
}

void pg_destroy(struct pg **pg)
{
    if (*pg == NULL) return;
    PQfinish((*pg)->conn);
    mem_free((*pg)->conninfo);
    mem_free((*pg)->schema);
    mem_free(*pg);
    *pg = NULL;
}

void pg_drop(struct pg *pg)
{
    PQfinish(pg->conn);
    pg->conn = NULL;
    pg->lost = pg->begun;
    memset(pg->prepared, 0, sizeof pg->prepared);
    pg->n_prepared = 0;
}

static void on_notice(void *arg, const char *message)
{
    (void)arg;
    LOG(DEBUG, "pg.notice", F_TEXT("text", message));
}

/* What the connection string says wins over the defaults before it; what comes after it is not up for choice.  Statements are
 * not compiled: each takes less than its compilation, which PostgreSQL decides upon by what it thinks that tables hold. */
static PGconn *open_connection(const struct pg *pg)
{
    char options[300];

    snprintf(options, sizeof options,
        "-c search_path=%s -c statement_timeout=60000 -c idle_in_transaction_session_timeout=60000"
        " -c default_transaction_isolation=read\\ committed -c client_min_messages=warning -c jit=off",
        pg->schema);
    const char *names[] = { "connect_timeout", "keepalives_idle", "tcp_user_timeout", "fallback_application_name",
        "dbname", "options", "client_encoding", NULL };
    const char *values[] = { "3", "15", "15000", pg->schema, pg->conninfo, options, "UTF8", NULL };
    return PQconnectdbParams(names, values, 1);
}

const char *pg_why(const PGconn *conn, const char *conninfo)
{
    PQconninfoOption *read = PQconninfoParse(conninfo, NULL);

    if (read == NULL) return "the connection string cannot be read";
    PQconninfoFree(read);
    return PQerrorMessage(conn);
}

/* The first line of libpq's text. */
static void keep_error(struct pg *pg, const char *text)
{
    snprintf(pg->error, sizeof pg->error, "%.*s", (int)strcspn(text, "\n"), text);
}

bool pg_connect(struct pg *pg)
{
    if (pg->conn != NULL) return true;
    if (clock_mono_us() < pg->retry_at_us) return false;

    pg->conn = open_connection(pg);
    if (PQstatus(pg->conn) == CONNECTION_OK) {
        PQsetNoticeProcessor(pg->conn, on_notice, NULL);
        return true;
    }
    keep_error(pg, pg_why(pg->conn, pg->conninfo));
    LOG_BOUNDED(WARN, "pg.no_connection", F_TEXT("schema", pg->schema), F_TEXT("why", pg->error));
    pg_drop(pg);
    pg->retry_at_us = clock_mono_us() + RETRY_US;
    return false;
}

bool pg_is_up(struct pg *pg)
{
    if (pg->conn != NULL && PQstatus(pg->conn) == CONNECTION_BAD) pg_drop(pg);
    return pg_connect(pg);
}

const char *pg_last_error(const struct pg *pg)
{
    return pg->error;
}

struct pg_conn *pg_raw(struct pg *pg)
{
    return pg_is_up(pg) ? (struct pg_conn *)pg->conn : NULL;
}
