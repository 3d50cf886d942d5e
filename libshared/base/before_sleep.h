/*
 * before_sleep.h - what piled up in a turn of a loop is worked off once, before the loop sleeps.
 *
 *      on a message:  put it on a list, before_sleep_wake()
 *      at the end of the turn:  run(arg) works off the list; whatever was added meanwhile has a turn of its own
 *
 * So what many events do to one connection leaves it in one write, however many of them a turn brings.
 */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ev.h>
#include <stdbool.h>

/* Inside its owner, which may not move between begin and end. */
struct before_sleep {
    struct ev_loop *loop;
    ev_prepare prepare;
    ev_idle awake;
    const char *name;
    bool (*run)(void *arg);
    void *arg;
};

/* `run` at the end of every turn.  true: something is left, and the loop turns again without sleeping.  name: a constant,
 * for turns that take long (turn.h). */
void before_sleep_begin(
    struct before_sleep *before, struct ev_loop *loop, const char *name, bool (*run)(void *arg), void *arg);
/* Behind those of before_sleep_begin(): for what they have to send. */
void before_sleep_begin_last(
    struct before_sleep *before, struct ev_loop *loop, const char *name, bool (*run)(void *arg), void *arg);
void before_sleep_wake(
    struct before_sleep *before); /* there is something for `run`: the loop does not sleep before it */
void before_sleep_end(struct before_sleep *before);
