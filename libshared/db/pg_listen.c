/* pg_listen.c - LISTEN without ever blocking the loop. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/db/pg_listen.h"

#include <ev.h>
#include <libpq-fe.h>
#include <stdio.h>
#include <string.h>

#include "libshared/base/arena.h"
#include "libshared/base/log.h"
#include "libshared/db/pg_private.h"

#define TICK_S            0.5
#define CONNECT_TICKS_MAX 10

struct pg_listen {
    struct ev_loop *loop;
    char *conninfo, *channel;
    PGconn *conn;
    ev_io io;
    ev_timer tick;
    int connecting_ticks;
    bool asked, up; /* LISTEN was sent; was confirmed */
    void (*heard)(void *arg, const char *payload);
    void *arg;
};

static void lose(struct pg_listen *l)
{
    LOG_BOUNDED(WARN, "pg.not_listening", F_TEXT("channel", l->channel), F_TEXT("why", pg_why(l->conn, l->conninfo)));
    ev_io_stop(l->loop, &l->io);
    PQfinish(l->conn);
    l->conn = NULL;
    l->asked = l->up = false;
}

static void watch(struct pg_listen *l, int events)
{
    ev_io_stop(l->loop, &l->io);
    ev_io_set(&l->io, PQsocket(l->conn), events);
    ev_io_start(l->loop, &l->io);
}

static void ask(struct pg_listen *l)
{
    char sql[100];

    snprintf(sql, sizeof sql, "LISTEN %s", l->channel);
    PQsetnonblocking(l->conn, 1);
    l->asked = true;
    if (!PQsendQuery(l->conn, sql) || PQflush(l->conn) != 0) {
        lose(l);
        return;
    }
    watch(l, EV_READ);
}

static void connect_on(struct pg_listen *l)
{
    switch (PQconnectPoll(l->conn)) {
    case PGRES_POLLING_READING: watch(l, EV_READ); break;
    case PGRES_POLLING_WRITING: watch(l, EV_WRITE); break;
    case PGRES_POLLING_OK: ask(l); break;
    default: lose(l);
    }
}

/* The only answer there ever is: LISTEN's. */
static bool read_answer(struct pg_listen *l)
{
    while (!PQisBusy(l->conn)) {
        PGresult *res = PQgetResult(l->conn);
        if (res == NULL) return true;
        bool good = PQresultStatus(res) == PGRES_COMMAND_OK;
        PQclear(res);
        if (!good) return false;
        l->up = true;
        l->heard(l->arg, NULL);
    }
    return true;
}

static void read_notifications(struct pg_listen *l)
{
    if (!PQconsumeInput(l->conn) || !read_answer(l)) {
        lose(l);
        return;
    }
    for (PGnotify *n = PQnotifies(l->conn); n != NULL; n = PQnotifies(l->conn)) {
        l->heard(l->arg, n->extra);
        PQfreemem(n);
    }
}

static void on_io(struct ev_loop *loop, ev_io *io, int events)
{
    struct pg_listen *l = io->data;

    (void)loop;
    (void)events;
    if (l->asked)
        read_notifications(l);
    else
        connect_on(l);
}

static void on_notice(void *arg, const char *message)
{
    (void)arg;
    LOG(DEBUG, "pg.notice", F_TEXT("text", message));
}

static void open_connection(struct pg_listen *l)
{
    const char *names[] = { "keepalives_idle", "tcp_user_timeout", "fallback_application_name", "dbname", NULL };
    const char *values[] = { "15", "15000", l->channel, l->conninfo, NULL };

    l->conn = PQconnectStartParams(names, values, 1);
    l->connecting_ticks = 0;
    PQsetNoticeProcessor(l->conn, on_notice, NULL);
    if (PQstatus(l->conn) == CONNECTION_BAD)
        lose(l);
    else
        watch(l, EV_WRITE);
}

static void on_tick(struct ev_loop *loop, ev_timer *timer, int events)
{
    struct pg_listen *l = timer->data;

    (void)loop;
    (void)events;
    if (l->conn == NULL)
        open_connection(l);
    else if (!l->up && ++l->connecting_ticks > CONNECT_TICKS_MAX)
        lose(l);
}

static char *copy(const char *text)
{
    size_t size = strlen(text) + 1;

    return memcpy(mem_alloc(size), text, size);
}

struct pg_listen *pg_listen_create(struct ev_loop *loop, const char *conninfo, const char *channel,
    void (*heard)(void *arg, const char *payload), void *arg)
{
    struct pg_listen *l = mem_zero(sizeof *l);

    l->loop = loop;
    l->conninfo = copy(conninfo);
    l->channel = copy(channel);
    l->heard = heard;
    l->arg = arg;
    ev_init(&l->io, on_io);
    l->io.data = l;
    ev_timer_init(&l->tick, on_tick, 0, TICK_S);
    l->tick.data = l;
    ev_timer_start(loop, &l->tick);
    return l;
}

void pg_listen_destroy(struct pg_listen **listen)
{
    struct pg_listen *l = *listen;

    if (l == NULL) return;
    ev_io_stop(l->loop, &l->io);
    ev_timer_stop(l->loop, &l->tick);
    PQfinish(l->conn);
    mem_free(l->conninfo);
    mem_free(l->channel);
    mem_free(l);
    *listen = NULL;
}

bool pg_listen_is_up(const struct pg_listen *listen)
{
    return listen->up;
}
