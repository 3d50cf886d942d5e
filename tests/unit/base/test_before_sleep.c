/* test_before_sleep.c - what piled up in a turn is worked off once, and nothing of it is slept over. */
// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "libshared/base/before_sleep.h"

static struct before_sleep before;
static bool slept;
static int n_waiting, n_left, n_runs, n_events;

/* Takes all that waits; n_left times something new is there when it is done. */
static bool run(void *arg)
{
    assert_ptr_equal(arg, &n_waiting);
    if (n_waiting == 0) return false;
    n_runs++;
    n_waiting = n_left > 0 ? 1 : 0;
    if (n_left-- > 0) return true;
    ev_break(before.loop, EVBREAK_ALL);
    return false;
}

static void on_event(struct ev_loop *loop, ev_timer *timer, int events)
{
    (void)loop, (void)timer, (void)events;
    n_events++;
    n_waiting++;
    before_sleep_wake(&before);
}

static void on_too_late(struct ev_loop *loop, ev_timer *timer, int events)
{
    (void)timer, (void)events;
    slept = true;
    ev_break(loop, EVBREAK_ALL);
}

static struct ev_loop *begin(int left)
{
    struct ev_loop *loop = ev_loop_new(0);

    n_waiting = n_runs = n_events = 0;
    n_left = left;
    slept = false;
    before_sleep_begin(&before, loop, "(test)", run, &n_waiting);
    return loop;
}

static void many_events_of_one_turn_are_one_run(void **state)
{
    struct ev_loop *loop = begin(0);
    ev_timer events[3];

    (void)state;
    for (int i = 0; i < 3; i++) {
        ev_timer_init(&events[i], on_event, 0., 0.);
        ev_timer_start(loop, &events[i]);
    }
    ev_run(loop, 0);
    assert_int_equal(n_events, 3);
    assert_int_equal(n_runs, 1);
    before_sleep_end(&before);
    ev_loop_destroy(loop);
}

static void what_is_left_is_worked_off_without_sleep(void **state)
{
    struct ev_loop *loop = begin(4);
    ev_timer event, late;

    (void)state;
    ev_timer_init(&event, on_event, 0., 0.);
    ev_timer_init(&late, on_too_late, 5., 0.);
    ev_timer_start(loop, &event);
    ev_timer_start(loop, &late);
    ev_run(loop, 0);
    assert_false(slept);
    assert_int_equal(n_runs, 5);
    ev_timer_stop(loop, &late);
    before_sleep_end(&before);
    ev_loop_destroy(loop);
}

static void nothing_keeps_the_loop_awake_when_nothing_is_left(void **state)
{
    struct ev_loop *loop = begin(0);

    (void)state;
    ev_unref(loop); /* only what keeps it awake counts */
    before_sleep_wake(&before);
    ev_run(loop, 0);
    assert_false(ev_is_active(&before.awake));
    ev_ref(loop);
    before_sleep_end(&before);
    ev_loop_destroy(loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(many_events_of_one_turn_are_one_run),
        cmocka_unit_test(what_is_left_is_worked_off_without_sleep),
        cmocka_unit_test(nothing_keeps_the_loop_awake_when_nothing_is_left),
    };

    return cmocka_run_group_tests_name("before_sleep", tests, NULL, NULL);
}
