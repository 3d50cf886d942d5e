/*
 * invariant.h - what is true of a state machine between two of its steps, said once and asked at each step in builds for tests.
 *
 *      void x_check(const struct x *x);      asserts all of it; may take as long as x is large
 *
 *      CHECK_STEP(x_check(x));               at the end of each step
 *
 * What is large is looked at around the place of the step, and all of it as often as the steps pay for the walk: walk_is_due().
 * Cheap asserts stand in the code itself and stay on everywhere.  CHECK_STEP runs in builds with MADANG_DEBUG: those with a
 * sanitizer, and `make DEBUG=1`.
 */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>

/* clang-format off */
#ifdef MADANG_DEBUG
#define CHECK_STEP(check) do { check; } while (0)
#else
#define CHECK_STEP(check) do { if (0) { check; } } while (0)
#endif
/* clang-format on */

/* One more step was made.  true: since the last walk there were as many as a walk looks at things, so it is due again. */
static inline bool walk_is_due(size_t *steps, size_t things)
{
    if (++*steps < things) return false;
    *steps = 0;
    return true;
}
