/* committer.c - group commit: one thread, one connection, one commit for all that waits. */
// SPDX-License-Identifier: Apache-2.0
#include "services/store/messages/committer.h"
#include "services/store/messages/batch_memory.h"

#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#include "libshared/base/clock.h"
#include "libshared/base/invariant.h"
#include "libshared/base/log.h"
#include "libshared/db/pg.h"
#include "libshared/rpc/loop.h"
#include "libshared/base/metrics.h"

#define ATTEMPTS  3          /* of a batch that lost against another transaction */
#define ARENA_MAX (1u << 30) /* 5,000 messages of 40 kB, in the several forms that they take on their way */

struct committer {
    struct committer_config config;
    pthread_t thread;
    pthread_mutex_t lock; /* around the next four */
    pthread_cond_t filled;
    struct append *first, **last;
    bool stopping;

    size_t shared; /* messages in the last batch */
    struct pg *pg; /* the thread's own from here on */
    struct batch_memory *memory;
    struct loop_post *post;
    void (*done)(void *arg, struct append *first);
    void *arg;
    atomic_bool up;
    struct metric *batches, *stored, *took;
};

struct finished {
    struct committer *committer;
    struct append *first;
    struct arena *arena;
};

/* A commit costs PostgreSQL the same for one message as for thirty: under load a short wait makes it serve more. */
static void wait_for_more(const struct committer *c)
{
    struct timespec pause = { .tv_sec = 0, .tv_nsec = c->config.gather_us * 1000 };

    if (c->shared > 1) nanosleep(&pause, NULL);
}

/* Under the lock: `last` is where the next one goes. */
static void committer_check(const struct committer *c)
{
    struct append *const *end = &c->first;

    while (*end != NULL) end = &(*end)->next;
    assert(c->last == end);
}

/* Up to batch_max of what waits, in order; NULL: it is time to leave. */
static struct append *take_batch(struct committer *c)
{
    wait_for_more(c);
    pthread_mutex_lock(&c->lock);
    while (c->first == NULL && !c->stopping) pthread_cond_wait(&c->filled, &c->lock);
    struct append *batch = c->stopping ? NULL : c->first, **end = &c->first;
    for (size_t n = 0; batch != NULL && *end != NULL && n < c->config.batch_max; n++) end = &(*end)->next;
    if (batch != NULL) {
        c->first = *end;
        *end = NULL;
        if (c->first == NULL) c->last = &c->first;
    }
    CHECK_STEP(committer_check(c));
    pthread_mutex_unlock(&c->lock);
    return batch;
}

/* Nobody waits for these any more: not storing them is what a repeat expects. */
static size_t list_awaited(struct append *batch, struct append **out)
{
    int64_t now_us = clock_mono_us();
    size_t n = 0;

    for (struct append *a = batch; a != NULL; a = a->next) {
        if (a->deadline_us < now_us)
            a->e = ERR_DEADLINE;
        else
            out[n++] = a;
    }
    return n;
}

static void settle_batch(struct append **at, size_t n, enum err e)
{
    for (size_t i = 0; i < n; i++) at[i]->e = e;
}

/* Lost against another transaction, or with a connection that has died unnoticed while idle: once more.  Even if the
 * first attempt was committed after all, the second finds its messages there. */
static enum err try_batch(struct committer *c, struct arena *arena, struct append **at, size_t n)
{
    enum err e = batch_commit(c->pg, c->memory, arena, c->config.statement_ms, at, n);

    for (int i = 1; i < ATTEMPTS && e == ERR_CONFLICT; i++)
        e = batch_commit(c->pg, c->memory, arena, c->config.statement_ms, at, n);
    if (e == ERR_UNAVAILABLE && pg_is_up(c->pg))
        e = batch_commit(c->pg, c->memory, arena, c->config.statement_ms, at, n);
    return e == ERR_CONFLICT ? ERR_UNAVAILABLE : e;
}

static void commit_batch(struct committer *c, struct arena *arena, struct append **at, size_t n)
{
    int64_t began_us = clock_mono_us();
    enum err e = try_batch(c, arena, at, n);

    if (e != OK && e != ERR_UNAVAILABLE && n > 1) {
        LOG_BOUNDED(WARN, "commit.one_by_one", F_INT("messages", n), F_TEXT("why", err_code(e)));
        for (size_t i = 0; i < n; i++) at[i]->e = try_batch(c, arena, &at[i], 1);
        return;
    }
    settle_batch(at, n, e);
    atomic_store(&c->up, e != ERR_UNAVAILABLE);
    metric_observe_us(c->took, clock_mono_us() - began_us);
    metric_add(c->batches, 1);
    metric_add(c->stored, e == OK ? (int64_t)n : 0);
}

/* On the loop.  Texts of repeated messages are in the batch's arena. */
static void give_back(void *arg)
{
    struct finished *f = arg;

    assert(f->first != NULL && "a batch has one message at least");
    f->committer->done(f->committer->arg, f->first);
    arena_destroy(&f->arena);
    mem_free(f);
}

static void finish_batch(struct committer *c, struct append *batch, struct arena *arena)
{
    struct finished *f = mem_alloc(sizeof *f);

    *f = (struct finished){ c, batch, arena };
    loop_post_run(c->post, give_back, f);
}

static void *run_committer(void *arg)
{
    struct committer *c = arg;
    struct append **at = mem_alloc(c->config.batch_max * sizeof *at);

    atomic_store(&c->up, pg_is_up(c->pg));
    for (struct append *batch = take_batch(c); batch != NULL; batch = take_batch(c)) {
        /* bound: batch_max messages, each within its record */
        struct arena *arena = arena_create("batch", ARENA_MAX);
        size_t n = list_awaited(batch, at);
        c->shared = n;
        if (n > 0) commit_batch(c, arena, at, n);
        finish_batch(c, batch, arena);
    }
    mem_free(at);
    return NULL;
}

struct committer *committer_create(struct ev_loop *loop, const struct committer_config *config,
    void (*done)(void *arg, struct append *first), void *arg)
{
    struct committer *c = mem_zero(sizeof *c);

    c->last = &c->first;
    c->config = *config;
    c->pg = pg_create(config->conninfo, "store");
    c->memory = batch_memory_create();
    c->post = loop_post_create(loop); /* not the server's, which goes before us */
    c->done = done;
    c->arg = arg;
    c->batches = metric_counter("madang_store_commits_total", NULL, "Batches committed or refused");
    c->stored = metric_counter("madang_store_appends_total", NULL, "Messages in committed batches, repeats included");
    c->took = metric_histogram_us("madang_store_commit_seconds", NULL, "One batch, from taking it to the answer");
    pthread_mutex_init(&c->lock, NULL);
    pthread_cond_init(&c->filled, NULL);
    int rc = pthread_create(&c->thread, NULL, run_committer, c);
    assert(rc == 0);
    return c;
}

void committer_put(struct committer *c, struct append *append)
{
    append->next = NULL;
    append->e = ERR_INTERNAL;
    pthread_mutex_lock(&c->lock);
    assert(*c->last == NULL && !c->stopping);
    *c->last = append;
    c->last = &append->next;
    pthread_cond_signal(&c->filled);
    pthread_mutex_unlock(&c->lock);
}

bool committer_is_up(struct committer *c)
{
    return atomic_load(&c->up);
}

void committer_destroy(struct committer **committer)
{
    struct committer *c = *committer;

    if (c == NULL) return;
    pthread_mutex_lock(&c->lock);
    c->stopping = true;
    pthread_cond_signal(&c->filled);
    pthread_mutex_unlock(&c->lock);
    pthread_join(c->thread, NULL);

    loop_post_destroy(&c->post);
    pg_destroy(&c->pg);
    batch_memory_destroy(&c->memory);
    pthread_cond_destroy(&c->filled);
    pthread_mutex_destroy(&c->lock);
    mem_free(c);
    *committer = NULL;
}
