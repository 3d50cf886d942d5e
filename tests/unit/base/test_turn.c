/* test_turn.c - how long a turn of the loop took, and whose it was. */
// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <ev.h>
#include <string.h>
#include <unistd.h>

#include "libshared/base/before_sleep.h"
#include "libshared/base/clock.h"
#include "libshared/base/turn.h"

static struct turn last;
static int turns;

static void keep(void *arg, const struct turn *turn)
{
    (void)arg;
    turns++;
    last = *turn;
}

/* How long it was: a busy machine wakes nobody in time. */
static int64_t sleep_in(const char *name, int ms)
{
    int64_t began_us = clock_mono_us();
    struct turn_span span = turn_enter();
    usleep((useconds_t)ms * 1000);
    turn_leave(span, str_of(name));
    return clock_mono_us() - began_us;
}

static int64_t slow_us, others_us; /* of the last turn */

static void handle(struct ev_loop *loop, ev_timer *timer, int events)
{
    (void)timer, (void)events;
    int64_t began_us = clock_mono_us();
    struct turn_span span = turn_enter();
    (void)sleep_in("quick", 1);
    slow_us = sleep_in("slow", 30);
    turn_leave(span, STR("around")); /* most of its time was theirs */
    others_us = clock_mono_us() - began_us - slow_us;
    ev_break(loop, EVBREAK_ONE);
}

static void run_once(struct ev_loop *loop, void (*run)(struct ev_loop *, ev_timer *, int))
{
    ev_timer timer;

    ev_timer_init(&timer, run, 0, 0);
    ev_timer_start(loop, &timer);
    ev_run(loop, 0);
    ev_run(loop, EVRUN_NOWAIT); /* the turn ends when the loop may sleep again */
}

static void the_handler_that_took_most_of_a_turn_is_named(void **state)
{
    struct ev_loop *loop = ev_loop_new(EVFLAG_AUTO);
    struct turn_watch *watch = turn_watch_create(loop, keep, NULL);

    (void)state;
    do run_once(loop, handle);
    while (others_us > slow_us / 2);
    assert_true(turns > 0);
    assert_true(last.us >= 31000 && last.longest_us >= 30000 && last.us >= last.longest_us);
    assert_string_equal(last.longest, "slow");
    turn_watch_destroy(&watch);
    ev_loop_destroy(loop);
}

static bool sweep(void *arg)
{
    int *left = arg;

    if (*left == 0) return false;
    *left = 0;
    usleep(30000);
    return false;
}

static void what_is_done_before_the_loop_sleeps_has_a_name_too(void **state)
{
    struct ev_loop *loop = ev_loop_new(EVFLAG_AUTO);
    struct turn_watch *watch = turn_watch_create(loop, keep, NULL);
    struct before_sleep before;
    int left = 0;

    (void)state;
    before_sleep_begin(&before, loop, "(a sweep)", sweep, &left);
    run_once(loop, handle);
    left = 1;
    ev_run(loop, EVRUN_NOWAIT);
    assert_string_equal(last.longest, "(a sweep)");
    before_sleep_end(&before);
    turn_watch_destroy(&watch);
    ev_loop_destroy(loop);
}

static void rest(struct ev_loop *loop, ev_timer *timer, int events)
{
    (void)timer, (void)events;
    ev_break(loop, EVBREAK_ONE);
}

static void the_clock_of_a_handler_stands_until_one_ends(void **state)
{
    (void)state;
    int64_t before = turn_us();
    usleep(2000);
    assert_true(turn_us() >= before + 2000); /* in no handler */
    struct turn_span span = turn_enter();
    int64_t began = turn_us();
    assert_int_equal(began, span.began_us);
    usleep(2000);
    assert_int_equal(turn_us(), began);
    (void)sleep_in("inner", 2);
    assert_true(turn_us() >= began + 4000);
    turn_leave(span, STR("outer"));
    int64_t after = turn_us();
    usleep(2000);
    assert_true(turn_us() >= after + 2000);
}

static void ask_clock(struct ev_loop *loop, ev_timer *timer, int events)
{
    (void)timer, (void)events;
    int64_t woke = turn_us();
    usleep(2000);
    assert_int_equal(turn_us(), woke);
    ev_break(loop, EVBREAK_ONE);
}

static void the_clock_of_a_turn_stands_until_a_handler_ends(void **state)
{
    struct ev_loop *loop = ev_loop_new(EVFLAG_AUTO);
    struct turn_watch *watch = turn_watch_create(loop, keep, NULL);

    (void)state;
    for (int i = 0; i < 2; i++) {
        int64_t before = turn_us();
        usleep(2000);
        run_once(loop, ask_clock);
        assert_true(turn_us() >= before + 4000);
    }
    turn_watch_destroy(&watch);
    ev_loop_destroy(loop);
    int64_t after = turn_us();
    usleep(2000);
    assert_true(turn_us() >= after + 2000);
}

static void a_turn_knows_nothing_of_the_one_before(void **state)
{
    struct ev_loop *loop = ev_loop_new(EVFLAG_AUTO);
    struct turn_watch *watch = turn_watch_create(loop, keep, NULL);

    (void)state;
    run_once(loop, handle);
    run_once(loop, rest);
    assert_int_equal(last.longest_us, 0);
    assert_string_equal(last.longest, "");
    turn_watch_destroy(&watch);
    ev_loop_destroy(loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_handler_that_took_most_of_a_turn_is_named),
        cmocka_unit_test(what_is_done_before_the_loop_sleeps_has_a_name_too),
        cmocka_unit_test(the_clock_of_a_handler_stands_until_one_ends),
        cmocka_unit_test(the_clock_of_a_turn_stands_until_a_handler_ends),
        cmocka_unit_test(a_turn_knows_nothing_of_the_one_before),
    };
    return cmocka_run_group_tests_name("turn", tests, NULL, NULL);
}
