/*
 * pg_listen.c - LISTEN on a thread: to resolve, to connect, to read a password file or to shake hands may take a while.
 *
 *      thread   connect -> LISTEN -> wait for notifications;  lost: again a moment later
 *                              |           |
 *                              v           v
 *      loop                 heard(NULL)  heard(payload)
 */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/db/pg_listen.h"

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
#include "libshared/base/log.h"
#include "libshared/base/thread.h"
#include "libshared/db/pg_private.h"

#define RETRY_MS 500
#define LEAVE_MS 4000 /* a connect may take 3 s, and has to be waited for */
#define KEPT_MAX 256  /* payloads that the loop has not heard yet; more are one NULL */

struct kept_payloads {
    char *payloads[KEPT_MAX];
    size_t n;
    bool missed; /* some may have been: NULL is heard before them */
};

/* Of the thread and of the loop; the thread, which goes when the loop has told it to, frees it. */
struct pg_listen {
    struct ev_loop *loop;
    char *conninfo, *channel;
    void (*heard)(void *arg, const char *payload);
    void *arg;
    ev_async wake;
    pthread_t thread;
    int stop; /* an eventfd that wakes the thread */
    atomic_bool up;

    pthread_mutex_t lock; /* for all below */
    struct kept_payloads kept;
    bool ended;
};

static void free_listen(struct pg_listen *l)
{
    for (size_t i = 0; i < l->kept.n; i++) mem_free(l->kept.payloads[i]);
    pthread_mutex_destroy(&l->lock);
    close(l->stop);
    mem_free(l->conninfo);
    mem_free(l->channel);
    mem_free(l);
}

static char *copy_text(const char *text)
{
    size_t size = strlen(text) + 1;

    return memcpy(mem_alloc(size), text, size);
}

/* --- the thread --- */

/* NULL: some may have been missed. */
static void keep_payload(struct pg_listen *l, const char *payload)
{
    struct kept_payloads *kept = &l->kept;

    pthread_mutex_lock(&l->lock);
    if (payload != NULL && kept->n < KEPT_MAX)
        kept->payloads[kept->n++] = copy_text(payload);
    else
        kept->missed = true;
    if (!l->ended) ev_async_send(l->loop, &l->wake);
    pthread_mutex_unlock(&l->lock);
}

static bool is_ended(struct pg_listen *l)
{
    pthread_mutex_lock(&l->lock);
    bool ended = l->ended;
    pthread_mutex_unlock(&l->lock);
    return ended;
}

/* false: it is time to go. */
static bool wait_for(struct pg_listen *l, int fd, int timeout_ms)
{
    struct pollfd fds[] = { { .fd = l->stop, .events = POLLIN }, { .fd = fd, .events = POLLIN } };

    poll(fds, fd < 0 ? 1 : 2, timeout_ms);
    return fds[0].revents == 0;
}

static void on_notice(void *arg, const char *message)
{
    (void)arg;
    LOG(DEBUG, "pg.notice", F_TEXT("text", message));
}

static PGconn *open_connection(const struct pg_listen *l)
{
    const char *names[] = { "connect_timeout", "keepalives_idle", "tcp_user_timeout", "fallback_application_name",
        "dbname", NULL };
    const char *values[] = { "3", "15", "15000", l->channel, l->conninfo, NULL };
    PGconn *conn = PQconnectdbParams(names, values, 1);

    PQsetNoticeProcessor(conn, on_notice, NULL);
    return conn;
}

static bool listen_to(const struct pg_listen *l, PGconn *conn)
{
    char sql[100];

    if (PQstatus(conn) != CONNECTION_OK) return false;
    snprintf(sql, sizeof sql, "LISTEN %s", l->channel);
    PGresult *res = PQexec(conn, sql);
    bool good = PQresultStatus(res) == PGRES_COMMAND_OK;
    PQclear(res);
    return good;
}

static void read_notifications(struct pg_listen *l, PGconn *conn)
{
    atomic_store(&l->up, true);
    keep_payload(l, NULL);
    while (wait_for(l, PQsocket(conn), -1) && PQconsumeInput(conn))
        for (PGnotify *n = PQnotifies(conn); n != NULL; n = PQnotifies(conn)) {
            keep_payload(l, n->extra);
            PQfreemem(n);
        }
    atomic_store(&l->up, false);
}

static void *run_listener(void *arg)
{
    struct pg_listen *l = arg;

    do {
        PGconn *conn = open_connection(l);
        if (listen_to(l, conn)) read_notifications(l, conn);
        if (!is_ended(l))
            LOG_BOUNDED(
                WARN, "pg.not_listening", F_TEXT("channel", l->channel), F_TEXT("why", pg_why(conn, l->conninfo)));
        PQfinish(conn);
    } while (wait_for(l, -1, RETRY_MS));
    free_listen(l);
    return NULL;
}

/* --- the loop --- */

static void on_wake(struct ev_loop *loop, ev_async *wake, int events)
{
    struct pg_listen *l = wake->data;

    (void)loop, (void)events;
    pthread_mutex_lock(&l->lock);
    struct kept_payloads kept = l->kept;
    l->kept = (struct kept_payloads){ .n = 0 };
    pthread_mutex_unlock(&l->lock);

    if (kept.missed) l->heard(l->arg, NULL);
    for (size_t i = 0; i < kept.n; i++) {
        l->heard(l->arg, kept.payloads[i]);
        mem_free(kept.payloads[i]);
    }
}

struct pg_listen *pg_listen_create(struct ev_loop *loop, const char *conninfo, const char *channel,
    void (*heard)(void *arg, const char *payload), void *arg)
{
    struct pg_listen *l = mem_zero(sizeof *l);

    l->loop = loop;
    l->conninfo = copy_text(conninfo);
    l->channel = copy_text(channel);
    l->heard = heard;
    l->arg = arg;
    l->stop = eventfd(0, EFD_CLOEXEC);
    assert(l->stop >= 0);
    pthread_mutex_init(&l->lock, NULL);
    ev_async_init(&l->wake, on_wake);
    l->wake.data = l;
    ev_async_start(loop, &l->wake);
    bool started = thread_begin(&l->thread, run_listener, l);
    assert(started);
    (void)started;
    return l;
}

/* The thread may be in the middle of a connect. */
void pg_listen_destroy(struct pg_listen **listen)
{
    struct pg_listen *l = *listen;

    if (l == NULL) return;
    *listen = NULL;
    pthread_t thread = l->thread;
    ev_async_stop(l->loop, &l->wake);
    pthread_mutex_lock(&l->lock);
    l->ended = true;
    pthread_mutex_unlock(&l->lock);
    eventfd_write(l->stop, 1); /* from now on it is the thread's */
    if (!thread_end(thread, LEAVE_MS)) LOG(WARN, "pg.listener_left");
}

bool pg_listen_is_up(const struct pg_listen *listen)
{
    return atomic_load(&listen->up);
}
