/* turn.c - the clock at a loop's wake-up, at its rest, and around handlers. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/base/turn.h"

#include <ev.h>
#include <string.h>
#include <time.h>

#include "libshared/base/arena.h"
#include "libshared/base/clock.h"

struct turn_watch {
    struct ev_loop *loop;
    ev_check wakes;
    ev_prepare rests;
    int64_t began_us, cpu_us;
    void (*turned)(void *arg, const struct turn *turn);
    void *arg;
};

/* Of the turn that this thread is in. */
static _Thread_local int64_t inner_us;
static _Thread_local struct turn now;

/* Of the thread, within handlers and turns of a loop that is watched. */
static _Thread_local int64_t seen_us;
static _Thread_local unsigned depth;

static int64_t look(void)
{
    return seen_us = clock_mono_us();
}

int64_t turn_us(void)
{
    return depth > 0 ? seen_us : clock_mono_us();
}

struct turn_span turn_enter(void)
{
    struct turn_span span = { look(), inner_us };

    depth++;
    inner_us = 0;
    return span;
}

static void keep_name(struct str name)
{
    size_t n = name.len < sizeof now.longest ? name.len : sizeof now.longest - 1;

    if (n > 0) memcpy(now.longest, name.at, n);
    now.longest[n] = '\0';
}

void turn_leave(struct turn_span span, struct str name)
{
    int64_t us = look() - span.began_us, own_us = us - inner_us;

    depth--;
    inner_us = span.inner_us + us;
    if (own_us <= now.longest_us) return;
    now.longest_us = own_us;
    keep_name(name);
}

#ifdef MADANG_DEBUG
static int64_t read_cpu_us(void)
{
    struct timespec cpu;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &cpu);
    return cpu.tv_sec * INT64_C(1000000) + cpu.tv_nsec / 1000;
}
#else
static int64_t read_cpu_us(void)
{
    return -1;
}
#endif

static void on_wake(struct ev_loop *loop, ev_check *check, int events)
{
    struct turn_watch *watch = check->data;

    (void)loop, (void)events;
    if (watch->began_us == 0) depth++;
    watch->began_us = look();
    watch->cpu_us = read_cpu_us();
    now = (struct turn){ .us = 0 };
    inner_us = 0;
}

static void on_rest(struct ev_loop *loop, ev_prepare *prepare, int events)
{
    struct turn_watch *watch = prepare->data;

    (void)loop, (void)events;
    if (watch->began_us == 0) return; /* before the first turn */
    now.us = look() - watch->began_us;
    now.cpu_us = watch->cpu_us < 0 ? -1 : read_cpu_us() - watch->cpu_us;
    watch->began_us = 0;
    depth--;
    watch->turned(watch->arg, &now);
}

/* The first after the wake-up, the last before the rest. */
struct turn_watch *turn_watch_create(
    struct ev_loop *loop, void (*turned)(void *arg, const struct turn *turn), void *arg)
{
    struct turn_watch *watch = mem_zero(sizeof *watch);

    *watch = (struct turn_watch){ .loop = loop, .turned = turned, .arg = arg };
    ev_check_init(&watch->wakes, on_wake);
    ev_prepare_init(&watch->rests, on_rest);
    ev_set_priority(&watch->wakes, EV_MAXPRI);
    ev_set_priority(&watch->rests, EV_MINPRI);
    watch->wakes.data = watch->rests.data = watch;
    ev_check_start(loop, &watch->wakes);
    ev_prepare_start(loop, &watch->rests);
    return watch;
}

void turn_watch_destroy(struct turn_watch **watch)
{
    struct turn_watch *w = *watch;

    if (w == NULL) return;
    ev_check_stop(w->loop, &w->wakes);
    ev_prepare_stop(w->loop, &w->rests);
    if (w->began_us != 0) depth--;
    mem_free(w);
    *watch = NULL;
}
