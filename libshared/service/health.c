/* health.c - what the loop says of itself twice a second, and what is answered from it. */
// SPDX-License-Identifier: Apache-2.0
#include <ev.h>
#include <pthread.h>
#include <stdio.h>

#include "libshared/base/clock.h"
#include "libshared/base/log.h"
#include "libshared/base/turn.h"
#include "libshared/service/health_http.h"
#include "libshared/base/metrics.h"
#include "libshared/service/process_metrics.h"
#include "libshared/service/service.h"

#define EVERY_S 0.5
#define OLD_US  3000000 /* a loop that was silent for so long counts as stuck */

/* Turns longer than this are in the log.  Builds for tests look closely. */
#ifdef MADANG_DEBUG
#define SLOW_US 2000
#else
#define SLOW_US 100000
#endif

struct health {
    struct ev_loop *loop;
    ev_timer timer;
    struct health_http *http;
    bool (*ready)(void *arg, struct buf *why);
    void *arg;
    struct turn_watch *turns;
    struct metric *lag, *took, *slow;
    int64_t due_us; /* when the timer should fire; loop thread */

    pthread_mutex_t lock; /* for all below, which the HTTP thread reads */
    int64_t asked_us;
    bool is_ready;
    char why[300];
};

static void keep_verdict(struct health *health, bool is_ready, const struct buf *why)
{
    pthread_mutex_lock(&health->lock);
    health->asked_us = clock_mono_us();
    health->is_ready = is_ready;
    snprintf(health->why, sizeof health->why, "%.*s", STR_ARG(buf_str(why)));
    pthread_mutex_unlock(&health->lock);
}

static void on_timer(struct ev_loop *loop, ev_timer *timer, int revents)
{
    (void)loop, (void)revents;
    struct health *health = timer->data;
    struct buf why = BUF(1024);
    int64_t now_us = clock_mono_us();
    metric_observe_us(health->lag, now_us > health->due_us ? now_us - health->due_us : 0);
    health->due_us = now_us + (int64_t)(EVERY_S * 1e6);
    keep_verdict(health, health->ready == NULL || health->ready(health->arg, &why), &why);
    buf_free(&why);
}

static void on_turned(void *arg, const struct turn *turn)
{
    struct health *health = arg;

    metric_observe_us(health->took, turn->us);
    if (turn->us <= SLOW_US) return;
    metric_add(health->slow, 1);
    LOG_BOUNDED(WARN, "loop.slow", F_INT("us", turn->us), F_TEXT("handler", turn->longest),
        F_INT("handler_us", turn->longest_us), F_INT("cpu_us", turn->cpu_us));
}

static int answer_health(struct health *health, bool for_ready, struct buf *body)
{
    pthread_mutex_lock(&health->lock);
    bool turns = clock_mono_us() - health->asked_us < OLD_US;
    bool good = turns && (!for_ready || health->is_ready);
    buf_printf(body, "%s\n", good ? "ok" : !turns ? "the loop is stuck" : health->why);
    pthread_mutex_unlock(&health->lock);
    return good ? 200 : 503;
}

static int answer_path(void *arg, struct str path, struct buf *body)
{
    if (str_is(path, "/healthz")) return answer_health(arg, false, body);
    if (str_is(path, "/readyz")) return answer_health(arg, true, body);
    if (!str_is(path, "/metrics")) {
        buf_add_str(body, STR("/healthz /readyz /metrics\n"));
        return 404;
    }
    metrics_print(body);
    process_metrics_print(body);
    return 200;
}

struct health *health_create(struct ev_loop *loop, const char *address, bool (*ready)(void *, struct buf *), void *arg)
{
    struct health *health = mem_zero(sizeof *health);
    health->loop = loop;
    health->ready = ready;
    health->arg = arg;
    health->lag = metric_histogram_us("madang_loop_lag_seconds", NULL, "How late the loop served a timer");
    health->took = metric_histogram_us("madang_loop_turn_seconds", NULL, "From a wake-up of the loop to its rest");
    health->slow = metric_counter("madang_loop_slow_total", NULL, "Turns of the loop that the log calls slow");
    health->turns = turn_watch_create(loop, on_turned, health);
    pthread_mutex_init(&health->lock, NULL);
    snprintf(health->why, sizeof health->why, "starting");
    health->asked_us = health->due_us = clock_mono_us();
    ev_timer_init(&health->timer, on_timer, EVERY_S, EVERY_S);
    health->due_us += (int64_t)(EVERY_S * 1e6);
    health->timer.data = health;
    ev_timer_start(loop, &health->timer);
    health->http = health_http_create(address, answer_path, health);
    return health;
}

void health_destroy(struct health **health)
{
    struct health *h = *health;
    if (h == NULL) return;
    health_http_destroy(&h->http);
    turn_watch_destroy(&h->turns);
    ev_timer_stop(h->loop, &h->timer);
    pthread_mutex_destroy(&h->lock);
    mem_free(h);
    *health = NULL;
}
