/* pg.c - one connection: opened when needed, opened again when lost, and the transaction on it. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/db/pg_private.h"

#include <assert.h>
#include <string.h>

#include "libshared/base/clock.h"
#include "libshared/base/log.h"

#define RETRY_US 200000

static char *copy(const char *text)
{
    size_t size = strlen(text) + 1;

    return memcpy(mem_alloc(size), text, size);
}

struct pg *pg_create(const char *conninfo, const char *schema)
{
    struct pg *pg = mem_zero(sizeof *pg);

    pg->conninfo = copy(conninfo);
    pg->schema = copy(schema);
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

/* What the connection string says wins over the defaults before it; what comes after it is not up for choice. */
static PGconn *open_connection(const struct pg *pg)
{
    char options[300];

    snprintf(options, sizeof options,
        "-c search_path=%s -c statement_timeout=60000 -c idle_in_transaction_session_timeout=60000"
        " -c default_transaction_isolation=read\\ committed -c client_min_messages=warning",
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
    LOG(WARN, "pg.no_connection", F_TEXT("schema", pg->schema), F_TEXT("why", pg->error));
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

void pg_set_deadline(struct pg *pg, int64_t deadline_us)
{
    pg->deadline_us = deadline_us;
}

/* BEGIN, with what is left of the deadline as the server's own limit: one round trip for both. */
static enum err send_begin(struct pg *pg)
{
    char sql[100] = "BEGIN";

    if (pg->deadline_us != 0) {
        int64_t left_ms = (pg->deadline_us - clock_mono_us()) / 1000;
        if (left_ms <= 0) return ERR_DEADLINE;
        snprintf(sql, sizeof sql, "BEGIN; SET LOCAL statement_timeout = %lld",
            (long long)(left_ms < 600000 ? left_ms : 600000));
    }
    return pg_command(pg, sql);
}

enum err pg_begin(struct pg *pg)
{
    if (pg->lost) return ERR_UNAVAILABLE;
    if (pg->begun) return OK;

    bool was_open = pg->conn != NULL;
    if (!pg_is_up(pg)) return ERR_UNAVAILABLE;

    enum err e = send_begin(pg);
    /* The connection may have died while nobody used it: nothing was done on it, so begin on a new one. */
    if (e == ERR_UNAVAILABLE && was_open && pg->conn == NULL && pg_connect(pg)) e = send_begin(pg);
    pg->begun = e == OK;
    return e;
}

static void forget_transaction(struct pg *pg)
{
    pg->begun = false;
    pg->lost = false;
    pg->deadline_us = 0;
}

/* COMMIT of a transaction that a failed statement has doomed succeeds with the tag ROLLBACK. */
static enum err send_commit(struct pg *pg)
{
    PGresult *res;

    TRY(pg_finish(pg, PQsendQuery(pg->conn, "COMMIT"), "COMMIT", &res));
    bool kept = strcmp(PQcmdStatus(res), "COMMIT") == 0;
    PQclear(res);
    return kept ? OK : ERR_INTERNAL;
}

enum err pg_commit(struct pg *pg)
{
    enum err e = pg->lost ? ERR_UNAVAILABLE : OK;

    if (pg->begun && !pg->lost) e = send_commit(pg);
    forget_transaction(pg);
    return e;
}

void pg_rollback(struct pg *pg)
{
    bool open = pg->begun && !pg->lost;

    pg->deadline_us = 0; /* undoing is not bound by the time that ran out */
    if (open && pg_command(pg, "ROLLBACK") != OK && pg->conn != NULL) pg_drop(pg);
    forget_transaction(pg);
}
