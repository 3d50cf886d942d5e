/* before_sleep.c - an ev_prepare, and an ev_idle for as long as something is left. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/base/before_sleep.h"

#include "libshared/base/turn.h"

static void on_prepare(struct ev_loop *loop, ev_prepare *prepare, int events)
{
    struct before_sleep *before = prepare->data;

    (void)events;
    struct turn_span span = turn_enter();
    bool is_left = before->run(before->arg);
    turn_leave(span, str_of(before->name));
    if (is_left)
        ev_idle_start(loop, &before->awake);
    else
        ev_idle_stop(loop, &before->awake);
}

/* It is there so that libev doesn't sleep. */
static void on_idle(struct ev_loop *loop, ev_idle *idle, int events)
{
    (void)loop, (void)idle, (void)events;
}

static void begin_watch(struct before_sleep *before, struct ev_loop *loop, const char *name, int priority,
    bool (*run)(void *arg), void *arg)
{
    before->loop = loop;
    before->name = name;
    before->run = run;
    before->arg = arg;
    ev_prepare_init(&before->prepare, on_prepare);
    ev_idle_init(&before->awake, on_idle);
    ev_set_priority(&before->prepare, priority);
    before->prepare.data = before;
    ev_prepare_start(loop, &before->prepare);
}

void before_sleep_begin(
    struct before_sleep *before, struct ev_loop *loop, const char *name, bool (*run)(void *arg), void *arg)
{
    begin_watch(before, loop, name, 0, run, arg);
}

void before_sleep_begin_last(
    struct before_sleep *before, struct ev_loop *loop, const char *name, bool (*run)(void *arg), void *arg)
{
    begin_watch(before, loop, name, EV_MINPRI + 1, run, arg);
}

void before_sleep_wake(struct before_sleep *before)
{
    ev_idle_start(before->loop, &before->awake);
}

void before_sleep_end(struct before_sleep *before)
{
    ev_prepare_stop(before->loop, &before->prepare);
    ev_idle_stop(before->loop, &before->awake);
}
