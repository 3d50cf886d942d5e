/* pg_answer.c - the server's answer to what was sent: waited for, its failure made an err. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/db/pg_private.h"

#include <errno.h>
#include <poll.h>
#include <string.h>

#include "libshared/base/clock.h"
#include "libshared/base/log.h"

#define NO_DEADLINE_US (75 * 1000000LL)

static enum err err_of_state(const char *state)
{
    static const struct {
        const char *prefix;
        enum err e;
    } map[] = {
        { "23505", ERR_CONFLICT }, { "23503", ERR_CONFLICT }, { "23P01", ERR_CONFLICT }, { "57014", ERR_DEADLINE },
        { "40001", ERR_UNAVAILABLE }, { "40P01", ERR_UNAVAILABLE }, { "55P03", ERR_UNAVAILABLE },
        { "08", ERR_UNAVAILABLE }, { "53", ERR_UNAVAILABLE }, { "57P", ERR_UNAVAILABLE }, { "25P03", ERR_UNAVAILABLE },
        { "25006", ERR_UNAVAILABLE }, /* read only: this one is a standby */
    };

    for (size_t i = 0; i < COUNT(map); i++)
        if (strncmp(state, map[i].prefix, strlen(map[i].prefix)) == 0) return map[i].e;
    return ERR_INTERNAL;
}

static void keep_error(struct pg *pg, const char *state, const char *text)
{
    snprintf(pg->error, sizeof pg->error, "%s %.*s", state, (int)strcspn(text, "\n"), text);
}

/* Nothing more can be said on this connection. */
static enum err lose_connection(struct pg *pg, const char *what)
{
    keep_error(pg, "lost", pg->conn ? PQerrorMessage(pg->conn) : "");
    LOG_BOUNDED(WARN, "pg.lost", F_TEXT("schema", pg->schema), F_TEXT("during", what), F_TEXT("why", pg->error));
    pg_drop(pg);
    return ERR_UNAVAILABLE;
}

static enum err failure_of(struct pg *pg, const PGresult *res, const char *what)
{
    const char *state = PQresultErrorField(res, PG_DIAG_SQLSTATE);
    const char *text = PQresultErrorField(res, PG_DIAG_MESSAGE_PRIMARY);

    if (state == NULL) return PQstatus(pg->conn) == CONNECTION_BAD ? lose_connection(pg, what) : ERR_INTERNAL;
    if (strncmp(state, "57P", 3) == 0)
        return lose_connection(pg, what); /* the server's last words on this connection */

    enum err e = err_of_state(state);
    keep_error(pg, state, text ? text : "");
    if (e == ERR_INTERNAL || e == ERR_UNAVAILABLE)
        LOG_BOUNDED(ERROR, "pg.failed", F_TEXT("schema", pg->schema), F_TEXT("sqlstate", state), F_TEXT("why", text),
            F_TEXT("sql", what));
    return e;
}

bool pg_raw_wait(struct pg_conn *raw, int64_t until_us)
{
    PGconn *conn = (PGconn *)raw;

    for (;;) {
        int unsent = PQflush(conn);
        if (unsent < 0) return false;
        if (unsent == 0 && !PQisBusy(conn)) return true;
        int64_t left_ms = (until_us - clock_mono_us()) / 1000;
        short events = unsent > 0 ? POLLIN | POLLOUT : POLLIN;
        struct pollfd fd = { .fd = PQsocket(conn), .events = events };
        int n = left_ms > 0 ? poll(&fd, 1, (int)left_ms) : 0;
        if (n == 0 || (n < 0 && errno != EINTR)) return false;
        if (!PQconsumeInput(conn)) return false;
    }
}

/* Wait for the whole answer, not for ever: a server that neither answers nor dies costs us the connection. */
static bool wait_answer(struct pg *pg)
{
    int64_t until = pg->deadline_us ? pg->deadline_us + PG_GRACE_US : clock_mono_us() + NO_DEADLINE_US;

    return pg_raw_wait((struct pg_conn *)pg->conn, until);
}

/* The last result of what was sent: a multi-statement command has several, the first failure is the last. */
static bool last_result(struct pg *pg, PGresult **out)
{
    *out = NULL;
    for (;;) {
        if (!wait_answer(pg)) {
            PQclear(*out);
            *out = NULL;
            return false;
        }
        PGresult *next = PQgetResult(pg->conn);
        if (next == NULL) return *out != NULL;
        PQclear(*out);
        *out = next;
    }
}

enum err pg_finish(struct pg *pg, int sent, const char *what, PGresult **out)
{
    if (!sent || !last_result(pg, out)) return lose_connection(pg, what);

    ExecStatusType status = PQresultStatus(*out);
    if (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK) return OK;

    enum err e = failure_of(pg, *out, what);
    PQclear(*out);
    *out = NULL;
    if (pg->conn != NULL && PQstatus(pg->conn) == CONNECTION_BAD) pg_drop(pg);
    return e;
}

enum err pg_command(struct pg *pg, const char *sql)
{
    PGresult *res;

    TRY(pg_finish(pg, PQsendQuery(pg->conn, sql), sql, &res));
    PQclear(res);
    return OK;
}
