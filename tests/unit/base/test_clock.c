/* test_clock.c - the clock that timers use. */
// SPDX-License-Identifier: Apache-2.0
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include "libshared/base/clock.h"

#define DAY_US (INT64_C(24) * 3600 * 1000000)

static void a_day_ago_is_a_time_on_a_machine_that_has_just_booted(void **state)
{
    (void)state;
    assert_true(clock_mono_us() - 300 * DAY_US > 0);
}

static void time_never_goes_back(void **state)
{
    (void)state;
    int64_t last = clock_mono_us();

    for (int i = 0; i < 1000; i++) {
        int64_t now = clock_mono_us();
        assert_true(now >= last);
        last = now;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_day_ago_is_a_time_on_a_machine_that_has_just_booted),
        cmocka_unit_test(time_never_goes_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
