/* health_http.c - what an operator's tools ask, answered on a thread of its own: a stuck loop could not say so. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/service/health_http.h"

#include "libshared/http/http_server.h"

#include <assert.h>
#include <ev.h>
#include <pthread.h>
#include <signal.h>

#define CONNECTIONS_MAX  32
#define ANSWER_MAX       (4u << 20)
#define REQUEST_BODY_MAX 4096
#define IDLE_SECONDS     5

struct health_http {
    struct ev_loop *loop;
    ev_async stop;
    struct http_server *server;
    pthread_t thread;
    int (*answer)(void *arg, struct str path, struct buf *body);
    void *arg;
};

static int on_begin(void *arg, struct http *http)
{
    struct health_http *health = arg;
    struct buf body = BUF(ANSWER_MAX);
    int status = health->answer(health->arg, http_path(http), &body);
    if (body.over) status = 500;
    http_reply(http, status, "text/plain; version=0.0.4; charset=utf-8", buf_str(&body), NULL, 0);
    buf_free(&body);
    return 0;
}

static const struct http_handler handler = { .methods = "GET, HEAD", .begin = on_begin };

static void *serve_health(void *arg)
{
    struct health_http *health = arg;
    ev_run(health->loop, 0);
    return NULL;
}

static void on_stop(struct ev_loop *loop, ev_async *stop, int events)
{
    (void)stop, (void)events;
    ev_break(loop, EVBREAK_ALL);
}

/* The process's own loop is where signals go. */
static void start_thread(struct health_http *health)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int rc = pthread_create(&health->thread, NULL, serve_health, health);
    assert(rc == 0 && "threads are to be had at the start");
    (void)rc;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

struct health_http *health_http_create(const char *address, int (*answer)(void *, struct str, struct buf *), void *arg)
{
    struct health_http *health = mem_zero(sizeof *health);
    struct http_server_config config = {
        .http = address,
        .connections_max = CONNECTIONS_MAX,
        .connections_per_address = CONNECTIONS_MAX,
        .idle_gives_way = true,
        .idle_seconds = IDLE_SECONDS,
        .body_max = REQUEST_BODY_MAX,
        .uncounted = true,
    };
    health->answer = answer;
    health->arg = arg;
    health->loop = ev_loop_new(EVFLAG_AUTO);
    health->server = http_server_create(health->loop, &config);
    http_mount(health->server, "/*", &handler, health);
    ev_async_init(&health->stop, on_stop);
    ev_async_start(health->loop, &health->stop);
    start_thread(health);
    return health;
}

void health_http_destroy(struct health_http **at)
{
    struct health_http *health = *at;
    if (health == NULL) return;
    ev_async_send(health->loop, &health->stop);
    pthread_join(health->thread, NULL);
    http_server_destroy(&health->server);
    ev_async_stop(health->loop, &health->stop);
    ev_loop_destroy(health->loop);
    mem_free(health);
    *at = NULL;
}
