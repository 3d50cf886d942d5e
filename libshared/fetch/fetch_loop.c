/* fetch_loop.c - curl's sockets and its timer on the loop. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/fetch/fetch_private.h"

struct watch {
    ev_io io;
    struct fetcher *home;
};

static void act_on(struct fetcher *fetcher, curl_socket_t fd, int events)
{
    int running;

    curl_multi_socket_action(fetcher->multi, fd, events, &running);
    fetcher_collect(fetcher);
}

static void on_ready(struct ev_loop *loop, ev_io *io, int events)
{
    struct watch *watch = io->data;

    (void)loop;
    act_on(watch->home, io->fd, (events & EV_READ ? CURL_CSELECT_IN : 0) | (events & EV_WRITE ? CURL_CSELECT_OUT : 0));
}

static void on_time(struct ev_loop *loop, ev_timer *timer, int events)
{
    (void)loop, (void)events;
    act_on(timer->data, CURL_SOCKET_TIMEOUT, 0);
}

static int set_timer(CURLM *multi, long ms, void *arg)
{
    struct fetcher *fetcher = arg;

    (void)multi;
    ev_timer_stop(fetcher->loop, &fetcher->timer);
    if (ms < 0) return 0;
    ev_timer_set(&fetcher->timer, (double)ms / 1000., 0.);
    ev_timer_start(fetcher->loop, &fetcher->timer);
    return 0;
}

static void forget_socket(struct fetcher *fetcher, curl_socket_t fd, struct watch *watch)
{
    if (watch == NULL) return;
    ev_io_stop(fetcher->loop, &watch->io);
    curl_multi_assign(fetcher->multi, fd, NULL);
    mem_free(watch);
}

static int watch_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *known)
{
    struct fetcher *fetcher = arg;
    struct watch *watch = known;

    (void)easy;
    if (what == CURL_POLL_REMOVE) {
        forget_socket(fetcher, fd, watch);
        return 0;
    }
    if (watch == NULL) {
        watch = mem_zero(sizeof *watch);
        watch->home = fetcher;
        ev_init(&watch->io, on_ready);
        watch->io.data = watch;
        curl_multi_assign(fetcher->multi, fd, watch);
    }
    ev_io_stop(fetcher->loop, &watch->io);
    ev_io_set(&watch->io, fd, (what & CURL_POLL_IN ? EV_READ : 0) | (what & CURL_POLL_OUT ? EV_WRITE : 0));
    ev_io_start(fetcher->loop, &watch->io);
    return 0;
}

void fetch_loop_begin(struct fetcher *fetcher)
{
    ev_init(&fetcher->timer, on_time);
    fetcher->timer.data = fetcher;
    curl_multi_setopt(fetcher->multi, CURLMOPT_SOCKETFUNCTION, watch_socket);
    curl_multi_setopt(fetcher->multi, CURLMOPT_SOCKETDATA, fetcher);
    curl_multi_setopt(fetcher->multi, CURLMOPT_TIMERFUNCTION, set_timer);
    curl_multi_setopt(fetcher->multi, CURLMOPT_TIMERDATA, fetcher);
}

void fetch_loop_end(struct fetcher *fetcher)
{
    curl_multi_cleanup(fetcher->multi); /* takes its sockets back */
    ev_timer_stop(fetcher->loop, &fetcher->timer);
}
