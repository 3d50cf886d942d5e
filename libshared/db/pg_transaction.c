/* pg_transaction.c - begun with a call's first statement, kept or undone at its end. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/db/pg_private.h"

#include <assert.h>
#include <string.h>

#include "libshared/base/clock.h"

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

enum err pg_one_snapshot(struct pg *pg, struct arena *arena)
{
    assert(!pg->begun);
    return pg_run(pg, arena, "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY", PG_NO_ARGS, NULL);
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

enum err pg_run_alone(struct pg *pg, const char *sql)
{
    assert(!pg->begun);
    if (!pg_is_up(pg)) return ERR_UNAVAILABLE;
    TRY(pg_command(pg, "SET statement_timeout = 5000"));
    enum err e = pg_command(pg, sql);
    if (pg->conn != NULL && pg_command(pg, "RESET statement_timeout") != OK && pg->conn != NULL) pg_drop(pg);
    return e;
}
