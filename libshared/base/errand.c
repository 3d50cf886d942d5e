/* errand.c - a thread for one piece of work, which neither it nor the loop waits for. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/base/errand.h"

#include <ev.h>
#include <pthread.h>
#include <stdbool.h>

#include "libshared/base/arena.h"
#include "libshared/base/thread.h"

struct errand {
    const struct errand_kind *kind;
    struct ev_loop *loop;
    ev_async finished;
    void *work, *arg;

    pthread_mutex_t lock; /* for both below; `work` is the thread's while it runs, then the loop's */
    bool running, ended;
};

static void free_errand(struct errand *e)
{
    e->kind->discard(e->work);
    pthread_mutex_destroy(&e->lock);
    mem_free(e);
}

static void *run_errand(void *arg)
{
    struct errand *e = arg;

    e->kind->run(e->work);
    pthread_mutex_lock(&e->lock);
    bool ended = e->ended;
    e->running = false;
    if (!ended) ev_async_send(e->loop, &e->finished);
    pthread_mutex_unlock(&e->lock);
    if (ended) free_errand(e);
    return NULL;
}

static void on_finished(struct ev_loop *loop, ev_async *finished, int events)
{
    struct errand *e = finished->data;

    (void)events;
    ev_async_stop(loop, finished);
    pthread_mutex_lock(&e->lock); /* the thread has let go of it */
    pthread_mutex_unlock(&e->lock);
    e->kind->done(e->arg, e->work);
}

struct errand *errand_begin(struct ev_loop *loop, const struct errand_kind *kind, void *work, void *arg)
{
    struct errand *e = mem_zero(sizeof *e);

    *e = (struct errand){ .kind = kind, .loop = loop, .work = work, .arg = arg, .running = true };
    pthread_mutex_init(&e->lock, NULL);
    ev_async_init(&e->finished, on_finished);
    e->finished.data = e;
    ev_async_start(loop, &e->finished);
    if (thread_start(run_errand, e)) return e;
    ev_async_stop(loop, &e->finished);
    free_errand(e);
    return NULL;
}

void errand_end(struct errand **errand)
{
    struct errand *e = *errand;

    if (e == NULL) return;
    *errand = NULL;
    ev_async_stop(e->loop, &e->finished);
    pthread_mutex_lock(&e->lock);
    bool running = e->running;
    e->ended = true;
    pthread_mutex_unlock(&e->lock);
    if (!running) free_errand(e);
}
