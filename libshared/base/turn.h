/*
 * turn.h - how long each turn of a loop took, and what took most of it: nothing on a loop may block.
 *
 *      struct turn_span span = turn_enter();
 *      method->run(...);
 *      turn_leave(span, method->name);
 */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <stdint.h>

#include "libshared/base/str.h"

struct ev_loop;
struct turn_watch;

struct turn_span {
    int64_t began_us, inner_us;
};

struct turn {
    int64_t us; /* from the wake-up until the loop may sleep again */
    int64_t
        cpu_us; /* of it the thread's own work, in builds that check state machines; else -1: asking takes as long as a small handler */
    int64_t longest_us; /* of the span that took most, without the spans in it; 0: there was none */
    char longest[48];
};

/* `turned` after each turn of the loop, on its thread. */
struct turn_watch *turn_watch_create(
    struct ev_loop *loop, void (*turned)(void *arg, const struct turn *turn), void *arg);
void turn_watch_destroy(struct turn_watch **watch);

/* On any thread; those of a thread whose loop is not watched go nowhere. */
struct turn_span turn_enter(void);
void turn_leave(struct turn_span span, struct str name);

/* The clock as it was when this thread last entered or left a handler, or its loop woke up: for what may be as old as one step of a
 * handler is long, of which a message has a dozen.  In a thread that is in neither, the clock itself. */
int64_t turn_us(void);
