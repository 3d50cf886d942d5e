/*
 * pg_claim.c - advisory locks on a connection of their own, which a thread looks after.
 *
 *      the former one   asks ... an answer: sure ---- sure_ms ----> unsure, and answers nobody
 *      the heir                    takes the numbers, at the earliest ---- sure_ms + PG_CLAIM_GRACE_MS ----> begins
 *
 * An answer counts from when it was asked for.  A process that finds the numbers free at its first attempt begins at once: they
 * are free because the former one has ended, or was silent for three times sure_ms.
 */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/db/pg_claim.h"

#include <assert.h>
#include <ev.h>
#include <libpq-fe.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "libshared/base/arena.h"
#include "libshared/base/clock.h"
#include "libshared/base/log.h"
#include "libshared/base/thread.h"
#include "libshared/db/pg_private.h"

#define RETRY_MS 200
#define ASK_MS   500
#define LEAVE_MS 4000 /* a connect may take 3 s, and has to be waited for */

/* Of the thread and of the loop; the thread, which goes when the loop has told it to, frees it. */
struct pg_claim {
    struct pg_claim_config config;
    char *conninfo;
    PGconn *conn; /* the thread's, once there is one */
    struct ev_loop *loop;
    void (*lost)(void *arg);
    void *arg;
    ev_async wake;
    pthread_t thread;
    int stop;         /* an eventfd that wakes the thread */
    int64_t asked_us; /* the thread's: when it asked PostgreSQL last */
    _Atomic int64_t sure_until_us;

    pthread_mutex_t lock; /* for `ended` */
    bool ended;
};

enum claim_answer { CLAIM_HELD, CLAIM_TAKEN, CLAIM_NO_DATABASE };

static void free_claim(struct pg_claim *claim)
{
    PQfinish(claim->conn);
    pthread_mutex_destroy(&claim->lock);
    close(claim->stop);
    mem_free(claim->conninfo);
    mem_free(claim);
}

/* false: it is time to go. */
static bool wait_for(const struct pg_claim *claim, int fd, int timeout_ms)
{
    struct pollfd fds[] = { { .fd = claim->stop, .events = POLLIN }, { .fd = fd, .events = POLLIN } };

    poll(fds, fd < 0 ? 1 : 2, timeout_ms);
    return fds[0].revents == 0;
}

static void on_notice(void *arg, const char *message)
{
    (void)arg;
    LOG(DEBUG, "pg.notice", F_TEXT("text", message));
}

/* A holder that is silent loses its numbers: its machine, or the way to it, may be gone. */
static void set_timeout(const struct pg_claim *claim)
{
    char sql[80];

    snprintf(sql, sizeof sql, "SET idle_session_timeout = %lld", (long long)(3 * claim->config.sure_ms));
    PGresult *res = PQexec(claim->conn, sql);
    if (PQresultStatus(res) != PGRES_COMMAND_OK)
        LOG(WARN, "claim.no_timeout", F_TEXT("name", claim->config.name), F_TEXT("why", PQerrorMessage(claim->conn)));
    PQclear(res);
}

static void open_connection(struct pg_claim *claim)
{
    const char *names[] = { "connect_timeout", "keepalives_idle", "keepalives_interval", "keepalives_count",
        "fallback_application_name", "dbname", NULL };
    const char *values[] = { "3", "5", "5", "2", claim->config.name, claim->conninfo, NULL };

    PQfinish(claim->conn);
    claim->conn = PQconnectdbParams(names, values, 1);
    PQsetNoticeProcessor(claim->conn, on_notice, NULL);
    if (PQstatus(claim->conn) == CONNECTION_OK) set_timeout(claim);
}

static void close_connection(struct pg_claim *claim)
{
    PQfinish(claim->conn);
    claim->conn = NULL;
}

static bool run_sql(const struct pg_claim *claim, const char *sql, bool *out)
{
    PGresult *res = PQexec(claim->conn, sql);
    bool good = PQresultStatus(res) == PGRES_TUPLES_OK && PQntuples(res) == 1;

    if (good)
        *out = PQgetvalue(res, 0, 0)[0] == 't';
    else
        LOG_BOUNDED(
            WARN, "claim.failed", F_TEXT("name", claim->config.name), F_TEXT("why", PQerrorMessage(claim->conn)));
    PQclear(res);
    return good;
}

/* All or none: of two that want some of the same numbers one gets them, and the other waits with empty hands. */
static enum claim_answer lock_numbers(const struct pg_claim *claim)
{
    const struct pg_claim_config *config = &claim->config;
    char sql[200];
    bool all = false, none;

    snprintf(sql, sizeof sql, "SELECT bool_and(pg_try_advisory_lock(%d, n::int)) FROM generate_series(%zu, %zu) AS n",
        config->kind, config->first, config->first + config->n - 1);
    if (!run_sql(claim, sql, &all)) return CLAIM_NO_DATABASE;
    if (all) return CLAIM_HELD;
    return run_sql(claim, "SELECT pg_advisory_unlock_all()", &none) ? CLAIM_TAKEN : CLAIM_NO_DATABASE;
}

static int64_t answered_us(const struct pg_claim *claim)
{
    return atomic_load(&claim->sure_until_us) - claim->config.sure_ms * 1000;
}

static void note_answer(struct pg_claim *claim)
{
    atomic_store(&claim->sure_until_us, claim->asked_us + claim->config.sure_ms * 1000);
}

bool pg_claim_is_sure(const struct pg_claim *claim)
{
    return clock_mono_us() < atomic_load(&claim->sure_until_us);
}

static enum claim_answer try_once(struct pg_claim *claim)
{
    if (claim->conn == NULL || PQstatus(claim->conn) != CONNECTION_OK) open_connection(claim);
    if (PQstatus(claim->conn) != CONNECTION_OK) {
        LOG_BOUNDED(WARN, "claim.no_connection", F_TEXT("name", claim->config.name),
            F_TEXT("why", pg_why(claim->conn, claim->conninfo)));
        return CLAIM_NO_DATABASE;
    }
    claim->asked_us = clock_mono_us();
    return lock_numbers(claim);
}

/* --- the start --- */

static struct pg_claim *make_claim(const struct pg_claim_config *config)
{
    struct pg_claim *claim = mem_zero(sizeof *claim);
    size_t size = strlen(config->conninfo) + 1;

    assert(config->n > 0);
    claim->config = *config;
    claim->conninfo = memcpy(mem_alloc(size), config->conninfo, size);
    claim->stop = eventfd(0, EFD_CLOEXEC);
    assert(claim->stop >= 0);
    pthread_mutex_init(&claim->lock, NULL);
    return claim;
}

static int64_t grace_ms(const struct pg_claim *claim)
{
    return claim->config.sure_ms + PG_CLAIM_GRACE_MS;
}

static bool is_still_there(struct pg_claim *claim)
{
    bool there = false;

    claim->asked_us = clock_mono_us();
    return run_sql(claim, "SELECT true", &there) && there;
}

struct pg_claim *pg_claim_take(const struct pg_claim_config *config)
{
    struct pg_claim *claim = make_claim(config);
    enum claim_answer answer = try_once(claim);
    bool waited = answer == CLAIM_TAKEN;

    if (waited)
        LOG(WARN, "claim.waiting", F_TEXT("name", config->name), F_INT("first", config->first), F_INT("n", config->n));
    while (answer == CLAIM_TAKEN) {
        wait_for(claim, -1, RETRY_MS);
        answer = try_once(claim);
        if (answer != CLAIM_HELD) continue;
        wait_for(claim, -1, (int)grace_ms(claim));
        if (!is_still_there(claim)) answer = CLAIM_TAKEN;
    }
    if (answer == CLAIM_NO_DATABASE) {
        free_claim(claim);
        return NULL;
    }
    note_answer(claim);
    if (waited) LOG(INFO, "claim.taken_over", F_TEXT("name", config->name));
    return claim;
}

/* --- the thread --- */

static bool is_ended(struct pg_claim *claim)
{
    pthread_mutex_lock(&claim->lock);
    bool ended = claim->ended;
    pthread_mutex_unlock(&claim->lock);
    return ended;
}

static void tell_lost(struct pg_claim *claim)
{
    pthread_mutex_lock(&claim->lock);
    if (!claim->ended) ev_async_send(claim->loop, &claim->wake);
    pthread_mutex_unlock(&claim->lock);
}

/* As long as it would take PostgreSQL to give the numbers back. */
static bool await_answer(const struct pg_claim *claim)
{
    int64_t until_us = claim->asked_us + 3 * claim->config.sure_ms * 1000;

    while (PQisBusy(claim->conn)) {
        int64_t left_ms = (until_us - clock_mono_us()) / 1000;
        if (left_ms <= 0 || !wait_for(claim, PQsocket(claim->conn), (int)left_ms) || !PQconsumeInput(claim->conn))
            return false;
    }
    return true;
}

static bool ask_for_life(struct pg_claim *claim)
{
    PGresult *res;
    bool good = true;

    claim->asked_us = clock_mono_us();
    if (!PQsendQuery(claim->conn, "SELECT") || !await_answer(claim)) return false;
    while ((res = PQgetResult(claim->conn)) != NULL) {
        good = good && PQresultStatus(res) == PGRES_TUPLES_OK;
        PQclear(res);
    }
    return good;
}

/* Or until it is time to go. */
static void wait_for_loss(struct pg_claim *claim)
{
    while (wait_for(claim, PQsocket(claim->conn), ASK_MS) && ask_for_life(claim)) note_answer(claim);
    close_connection(claim);
}

/* In so long a silence somebody may have had them, who has ended since. */
static bool was_silent_for_long(const struct pg_claim *claim)
{
    return claim->asked_us - answered_us(claim) >= grace_ms(claim) * 1000;
}

static enum claim_answer take_again(struct pg_claim *claim)
{
    enum claim_answer answer = try_once(claim);

    while (answer == CLAIM_NO_DATABASE && wait_for(claim, -1, RETRY_MS)) answer = try_once(claim);
    if (answer == CLAIM_HELD && was_silent_for_long(claim)) return CLAIM_TAKEN;
    if (answer == CLAIM_HELD) note_answer(claim);
    return answer;
}

static void *run_claim(void *arg)
{
    struct pg_claim *claim = arg;

    for (;;) {
        wait_for_loss(claim);
        if (is_ended(claim)) break;
        enum claim_answer answer = take_again(claim);
        if (answer == CLAIM_TAKEN) {
            tell_lost(claim);
            wait_for(claim, -1, -1);
        }
        if (answer != CLAIM_HELD) break;
        LOG(INFO, "claim.renewed", F_TEXT("name", claim->config.name));
    }
    free_claim(claim);
    return NULL;
}

/* --- the loop --- */

static void on_wake(struct ev_loop *loop, ev_async *wake, int events)
{
    struct pg_claim *claim = wake->data;

    (void)events;
    ev_async_stop(loop, wake);
    LOG(ERROR, "claim.lost", F_TEXT("name", claim->config.name));
    claim->lost(claim->arg);
}

void pg_claim_watch(struct pg_claim *claim, struct ev_loop *loop, void (*lost)(void *arg), void *arg)
{
    claim->loop = loop;
    claim->lost = lost;
    claim->arg = arg;
    ev_async_init(&claim->wake, on_wake);
    claim->wake.data = claim;
    ev_async_start(loop, &claim->wake);
    bool started = thread_begin(&claim->thread, run_claim, claim);
    assert(started);
    (void)started;
}

/* The thread may be in the middle of a connect. */
void pg_claim_destroy(struct pg_claim **claim)
{
    struct pg_claim *c = *claim;

    if (c == NULL) return;
    *claim = NULL;
    if (c->loop == NULL) { /* nobody watches it */
        free_claim(c);
        return;
    }
    const char *name = c->config.name;
    pthread_t thread = c->thread;
    ev_async_stop(c->loop, &c->wake);
    pthread_mutex_lock(&c->lock);
    c->ended = true;
    pthread_mutex_unlock(&c->lock);
    eventfd_write(c->stop, 1); /* from now on it is the thread's */
    if (!thread_end(thread, LEAVE_MS)) LOG(WARN, "claim.thread_left", F_TEXT("name", name));
}
