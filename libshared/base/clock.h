/* clock.h - the two clocks: what people see, and what timers use. */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <stdint.h>

int64_t clock_ms(void);      /* since 1970 */
int64_t clock_mono_us(void); /* since some start at least a year ago, never back */
