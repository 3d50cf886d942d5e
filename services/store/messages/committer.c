/* committer.c - group commit: what waits is one batch, and another begins beside one that is slow. */
// SPDX-License-Identifier: Apache-2.0
#include "services/store/messages/committer.h"
#include "services/store/messages/batch_memory.h"

#include <assert.h>
#include <ev.h>
#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#include <utlist.h>

#include "libshared/base/clock.h"
#include "libshared/base/invariant.h"
#include "libshared/base/log.h"
#include "libshared/base/metrics.h"
#include "libshared/base/table.h"
#include "libshared/db/pg.h"
#include "libshared/rpc/loop.h"

#define ATTEMPTS  3          /* of a batch that lost against another transaction */
#define ARENA_MAX (1u << 30) /* 5,000 messages of 40 kB, in the several forms that they take on their way */
#define SLOW_US   20000      /* a commit that takes longer has another one beside it */

/* A room with messages that are not done: their order is the order of the puts, and one batch at a time has it. */
struct room_line {
    UT_hash_handle hh;
    struct room_line *prev, *next; /* among those that are ready, or that one batch has */
    struct id id;
    struct append *first, **last; /* that wait */
    size_t n_waiting, n_taken;
    struct commit_worker *worker; /* whose batch has it: what waits stands behind that one; NULL: it is ready */
};

/* A thread and a connection. */
struct commit_worker {
    struct committer *committer;
    pthread_t thread;
    pthread_cond_t called;
    struct pg *pg;
    int64_t began_us; /* its batch; 0: it has none; this and the next two under the committer's lock */
    struct commit_worker *next_idle;
    bool is_called;
};

struct committer {
    struct committer_config config;
    struct commit_worker *workers;
    struct batch_memory *memory;
    struct loop_post *post;
    ev_timer look; /* is a commit slow? */
    struct ev_loop *loop;
    void (*done)(void *arg, struct append *first);
    void *arg;
    atomic_bool up;
    struct metric *batches, *stored, *took, *waiting;

    pthread_mutex_t lock; /* around the rest */
    struct room_line *rooms, *ready;
    struct commit_worker *idle;      /* the last one to have become so is the first to be called: its caches are warm */
    struct commit_worker *gathering; /* it waits for company */
    size_t n_ready, wanted;          /* messages of rooms that are ready; so many does `gathering` wait for */
    size_t n_behind;                 /* messages of rooms that a batch has, those in it among them */
    size_t n_running;                /* batches */
    size_t n_called;                 /* workers that were called and have not looked yet */
    size_t shared;                   /* messages in the last batch */
    bool stopping;
    size_t steps; /* since all rooms were checked: see invariant.h */
};

struct finished {
    struct committer *committer;
    struct append *first;
    struct arena *arena;
};

/* A batch that is taken: its rooms, and their messages room by room. */
struct taken {
    struct room_line *rooms;
    struct append *first, **last;
    size_t n;
};

/* --- under the lock --- */

static size_t waiting_of(const struct append *first)
{
    size_t n = 0;

    for (; first != NULL; first = first->next) n++;
    return n;
}

static void room_line_check(const struct committer *c, const struct room_line *room)
{
    assert((room->first == NULL) == (room->last == &room->first) && *room->last == NULL);
    assert((room->first == NULL) == (room->n_waiting == 0));
    assert((room->worker != NULL) == (room->n_taken > 0) && room->n_taken + room->n_waiting > 0);
    assert(room->n_waiting + room->n_taken <= (room->worker != NULL ? c->n_behind : c->n_ready));
}

static void all_rooms_check(const struct committer *c)
{
    const struct room_line *room;
    size_t ready = 0, behind = 0, listed = 0;

    for (room = c->rooms; room != NULL; room = room->hh.next) {
        room_line_check(c, room);
        assert(room->n_waiting == waiting_of(room->first));
        ready += room->worker != NULL ? 0 : room->n_waiting;
        behind += room->worker != NULL ? room->n_waiting + room->n_taken : 0;
    }
    DL_FOREACH(c->ready, room) {
        assert(room->worker == NULL);
        listed += room->n_waiting;
    }
    assert(ready == c->n_ready && listed == ready && behind == c->n_behind);
}

static void committer_check(struct committer *c)
{
    assert(c->n_running <= c->config.committers && (c->n_running > 0) == (c->n_behind > 0));
    assert((c->n_ready > 0) == (c->ready != NULL) && c->n_called <= c->config.committers);
    if (walk_is_due(&c->steps, c->n_ready + c->n_behind)) all_rooms_check(c);
}

static bool is_slow(const struct commit_worker *worker)
{
    return worker->began_us != 0 && clock_mono_us() - worker->began_us >= SLOW_US;
}

static bool any_is_slow(const struct committer *c)
{
    for (size_t i = 0; i < c->config.committers; i++)
        if (is_slow(&c->workers[i])) return true;
    return false;
}

/* One batch at a time is the cheapest, as it is the largest. */
static bool has_enough(const struct committer *c)
{
    return c->n_running == 0 || c->n_ready >= c->config.batch_max;
}

static bool may_begin(const struct committer *c)
{
    return c->ready != NULL && c->gathering == NULL && (has_enough(c) || any_is_slow(c));
}

static void call_worker(struct committer *c)
{
    struct commit_worker *worker = c->idle;

    if (worker == NULL || c->n_called > 0) return;
    c->idle = worker->next_idle;
    c->n_called++;
    worker->is_called = true;
    pthread_cond_signal(&worker->called);
}

static void wait_to_be_called(struct commit_worker *worker)
{
    struct committer *c = worker->committer;

    worker->next_idle = c->idle;
    c->idle = worker;
    while (!worker->is_called && !c->stopping) pthread_cond_wait(&worker->called, &c->lock);
    if (worker->is_called) c->n_called--;
    worker->is_called = false;
}

/* A commit costs PostgreSQL the same for one message as for thirty: under load a short wait makes it serve more.  It ends as
 * soon as there are three quarters of what the last one served: more come only when those of the last have been answered. */
static void wait_for_more(struct commit_worker *worker)
{
    struct committer *c = worker->committer;
    struct timespec until;
    int rc = 0;

    if (c->shared <= 1) return;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += c->config.gather_us * 1000;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    c->wanted = c->shared - c->shared / 4;
    c->gathering = worker;
    while (c->n_ready < c->wanted && !c->stopping && rc == 0)
        rc = pthread_cond_timedwait(&worker->called, &c->lock, &until);
    c->gathering = NULL;
}

/* From the room that has waited the longest: all of it, if there is space. */
static void take_room(struct commit_worker *worker, struct room_line *room, struct taken *out)
{
    struct committer *c = worker->committer;
    struct append **end = &room->first;
    size_t n = 0;

    for (; *end != NULL && out->n + n < c->config.batch_max; n++) end = &(*end)->next;
    *out->last = room->first;
    out->last = end == &room->first ? out->last : end;
    room->first = *end;
    *end = NULL;
    if (room->first == NULL) room->last = &room->first;
    c->n_ready -= room->n_waiting;
    c->n_behind += room->n_waiting;
    room->n_waiting -= n;
    room->n_taken = n;
    room->worker = worker;
    out->n += n;
    DL_DELETE(c->ready, room);
    DL_APPEND(out->rooms, room);
}

static void take_batch(struct commit_worker *worker, struct taken *out)
{
    struct committer *c = worker->committer;

    *out = (struct taken){ .last = &out->first };
    while (c->ready != NULL && out->n < c->config.batch_max) take_room(worker, c->ready, out);
    c->shared = out->n;
    c->n_running++;
    worker->began_us = clock_mono_us();
    CHECK_STEP(committer_check(c));
    if (c->ready != NULL && has_enough(c)) call_worker(c);
}

/* With the lock. */
static void note_waiting(struct committer *c)
{
    metric_set(c->waiting, (int64_t)(c->n_ready + c->n_behind));
}

/* Its rooms go behind those that have waited meanwhile. */
static void give_rooms_back(struct commit_worker *worker, struct taken *batch)
{
    struct committer *c = worker->committer;
    struct room_line *room, *next;

    DL_FOREACH_SAFE(batch->rooms, room, next) {
        DL_DELETE(batch->rooms, room);
        c->n_behind -= room->n_taken + room->n_waiting;
        c->n_ready += room->n_waiting;
        room->n_taken = 0;
        room->worker = NULL;
        if (room->n_waiting > 0) {
            DL_APPEND(c->ready, room);
            continue;
        }
        HASH_DEL(c->rooms, room);
        mem_free(room);
    }
    c->n_running--;
    worker->began_us = 0;
    note_waiting(c);
    CHECK_STEP(committer_check(c));
}

/* false: it is time to leave. */
static bool wait_for_batch(struct commit_worker *worker, struct taken *out)
{
    struct committer *c = worker->committer;

    pthread_mutex_lock(&c->lock);
    while (!c->stopping && !may_begin(c)) wait_to_be_called(worker);
    if (!c->stopping) wait_for_more(worker);
    bool goes_on = !c->stopping;
    if (goes_on) take_batch(worker, out);
    pthread_mutex_unlock(&c->lock);
    return goes_on;
}

/* --- a batch --- */

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

static void settle(struct append *a, enum err e)
{
    a->e = e == OK && a->early_ms > 0 ? ERR_SLOW_MODE : e;
}

/* How many are in the log. */
static int64_t settle_batch(struct append **at, size_t n, enum err e)
{
    int64_t stored = 0;

    for (size_t i = 0; i < n; i++) {
        settle(at[i], e);
        stored += at[i]->e == OK;
    }
    return stored;
}

/* Lost against another transaction, or with a connection that has died unnoticed while idle: once more.  Even if the
 * first attempt was committed after all, the second finds its messages there. */
static enum err try_batch(struct commit_worker *worker, struct arena *arena, struct append **at, size_t n)
{
    const struct batch_limits *limits = &worker->committer->config.limits;
    enum err e = batch_commit(worker->pg, worker->committer->memory, arena, limits, at, n);

    for (int i = 1; i < ATTEMPTS && e == ERR_CONFLICT; i++)
        e = batch_commit(worker->pg, worker->committer->memory, arena, limits, at, n);
    if (e == ERR_UNAVAILABLE && pg_is_up(worker->pg))
        e = batch_commit(worker->pg, worker->committer->memory, arena, limits, at, n);
    return e == ERR_CONFLICT ? ERR_UNAVAILABLE : e;
}

static void commit_batch(struct commit_worker *worker, struct arena *arena, struct append **at, size_t n)
{
    struct committer *c = worker->committer;
    int64_t began_us = clock_mono_us();
    enum err e = try_batch(worker, arena, at, n);

    if (e != OK && e != ERR_UNAVAILABLE && n > 1) {
        LOG_BOUNDED(WARN, "commit.one_by_one", F_INT("messages", n), F_TEXT("why", err_code(e)));
        for (size_t i = 0; i < n; i++) settle(at[i], try_batch(worker, arena, &at[i], 1));
        return;
    }
    int64_t stored = settle_batch(at, n, e);
    atomic_store(&c->up, e != ERR_UNAVAILABLE);
    metric_observe_us(c->took, clock_mono_us() - began_us);
    metric_add(c->batches, 1);
    metric_add(c->stored, stored);
}

/* On the loop.  Texts of repeated messages are in the batch's arena. */
static void give_back(void *arg)
{
    struct finished *f = arg;

    f->committer->done(f->committer->arg, f->first);
    arena_destroy(&f->arena);
    mem_free(f);
}

static void finish_batch(struct committer *c, struct append *first, struct arena *arena)
{
    struct finished *f = mem_alloc(sizeof *f);

    *f = (struct finished){ c, first, arena };
    loop_post_run(c->post, give_back, f);
}

static void run_batch(struct commit_worker *worker, const struct taken *batch, struct append **at)
{
    /* bound: batch_max messages, each within its record */
    struct arena *arena = arena_create("batch", ARENA_MAX);
    size_t n = list_awaited(batch->first, at);

    if (n > 0) commit_batch(worker, arena, at, n);
    finish_batch(worker->committer, batch->first, arena);
}

/* The messages of a batch are passed on before another batch may have its rooms, so that they are told in order. */
static void *run_worker(void *arg)
{
    struct commit_worker *worker = arg;
    struct committer *c = worker->committer;
    struct append **at = mem_alloc(c->config.batch_max * sizeof(struct append *));
    struct taken batch;

    if (worker == c->workers) atomic_store(&c->up, pg_is_up(worker->pg)); /* the others connect when they are needed */
    while (wait_for_batch(worker, &batch)) {
        run_batch(worker, &batch, at);
        pthread_mutex_lock(&c->lock);
        give_rooms_back(worker, &batch);
        pthread_mutex_unlock(&c->lock);
    }
    mem_free(at);
    return NULL;
}

/* --- the loop's side --- */

/* Nothing else tells that a commit has become slow: it costs nothing where none does. */
static void on_look(struct ev_loop *loop, ev_timer *timer, int events)
{
    struct committer *c = timer->data;

    (void)events;
    pthread_mutex_lock(&c->lock);
    bool is_busy = c->n_running > 0 || c->ready != NULL;
    if (may_begin(c)) call_worker(c);
    pthread_mutex_unlock(&c->lock);
    if (!is_busy) ev_timer_stop(loop, timer);
}

static void init_condition(pthread_cond_t *condition)
{
    pthread_condattr_t monotonic;

    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(condition, &monotonic);
    pthread_condattr_destroy(&monotonic);
}

static void begin_worker(struct committer *c, struct commit_worker *worker)
{
    worker->committer = c;
    worker->pg = pg_create(c->config.conninfo, "store");
    init_condition(&worker->called);
    int rc = pthread_create(&worker->thread, NULL, run_worker, worker);
    assert(rc == 0);
}

struct committer *committer_create(struct ev_loop *loop, const struct committer_config *config,
    void (*done)(void *arg, struct append *first), void *arg)
{
    struct committer *c = mem_zero(sizeof *c);

    assert(config->committers > 0);
    c->config = *config;
    c->loop = loop;
    c->post = loop_post_create(loop); /* not the server's, which goes before us */
    c->done = done;
    c->arg = arg;
    c->memory = batch_memory_create();
    c->batches = metric_counter("madang_store_commits_total", NULL, "Batches committed or refused");
    c->stored = metric_counter("madang_store_appends_total", NULL, "Messages in committed batches, repeats included");
    c->took = metric_histogram_us("madang_store_commit_seconds", NULL, "One batch, from taking it to the answer");
    c->waiting = metric_gauge("madang_store_appends_waiting", NULL, "Messages that wait for a commit, or are in one");
    pthread_mutex_init(&c->lock, NULL);
    ev_timer_init(&c->look, on_look, 0., SLOW_US / 2e6);
    c->look.data = c;
    c->workers = mem_zero(config->committers * sizeof *c->workers);
    for (size_t i = 0; i < config->committers; i++) begin_worker(c, &c->workers[i]);
    return c;
}

static struct room_line *get_room(struct committer *c, struct id id)
{
    struct room_line *room;

    HASH_FIND(hh, c->rooms, &id, sizeof id, room);
    if (room != NULL) return room;
    room = mem_zero(sizeof *room);
    room->id = id;
    room->last = &room->first;
    HASH_ADD(hh, c->rooms, id, sizeof room->id, room);
    DL_APPEND(c->ready, room);
    return room;
}

/* Messages behind a statement that hangs may take half of the space; the other half is for other rooms.  With one committer no
 * other room gets on. */
static bool has_space(const struct committer *c, const struct room_line *room)
{
    if (room->worker == NULL || c->config.committers == 1 || c->n_behind < c->config.open_max / 2) return true;
    return !is_slow(room->worker);
}

static void add_append(struct committer *c, struct room_line *room, struct append *append)
{
    assert(*room->last == NULL && !c->stopping);
    *room->last = append;
    room->last = &append->next;
    room->n_waiting++;
    *(room->worker != NULL ? &c->n_behind : &c->n_ready) += 1;
    note_waiting(c);
    if (c->gathering != NULL) {
        if (c->n_ready >= c->wanted) pthread_cond_signal(&c->gathering->called);
    } else if (c->ready != NULL && has_enough(c)) {
        call_worker(c);
    }
    CHECK_STEP(room_line_check(c, room); committer_check(c));
}

bool committer_put(struct committer *c, struct append *append)
{
    append->next = NULL;
    append->e = ERR_INTERNAL;
    pthread_mutex_lock(&c->lock);
    struct room_line *room = get_room(c, append->message.room);
    bool takes = has_space(c, room);
    if (takes) add_append(c, room, append);
    pthread_mutex_unlock(&c->lock);
    if (c->config.committers > 1 && !ev_is_active(&c->look)) ev_timer_again(c->loop, &c->look);
    return takes;
}

bool committer_is_up(struct committer *c)
{
    return atomic_load(&c->up);
}

static void stop_workers(struct committer *c)
{
    pthread_mutex_lock(&c->lock);
    c->stopping = true;
    for (size_t i = 0; i < c->config.committers; i++) pthread_cond_signal(&c->workers[i].called);
    pthread_mutex_unlock(&c->lock);
}

static void end_worker(struct commit_worker *worker)
{
    pthread_join(worker->thread, NULL);
    pg_destroy(&worker->pg);
    pthread_cond_destroy(&worker->called);
}

static void free_rooms(struct committer *c)
{
    struct room_line *room, *next;

    HASH_ITER(hh, c->rooms, room, next) {
        HASH_DEL(c->rooms, room);
        mem_free(room);
    }
}

void committer_destroy(struct committer **committer)
{
    struct committer *c = *committer;

    if (c == NULL) return;
    stop_workers(c);
    for (size_t i = 0; i < c->config.committers; i++) end_worker(&c->workers[i]);
    ev_timer_stop(c->loop, &c->look);
    loop_post_destroy(&c->post);
    free_rooms(c);
    batch_memory_destroy(&c->memory);
    pthread_mutex_destroy(&c->lock);
    mem_free(c->workers);
    mem_free(c);
    *committer = NULL;
}
