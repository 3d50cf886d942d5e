/* clock.c - the two clocks. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/base/clock.h"

#include <time.h>

int64_t clock_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* The kernel counts from the machine's boot. A window of the past must lie behind 0 on a machine that booted a minute
 * ago, too, because 0 is what a zeroed struct has for "never". */
#define BEFORE_BOOT_US (INT64_C(366) * 24 * 3600 * 1000000)

int64_t clock_mono_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return BEFORE_BOOT_US + (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}
