/*
 * invariant.h - what is true of a state machine between two of its steps, said once and asked at each step in builds for tests.
 *
 *      void x_check(const struct x *x);      asserts all of it; may take as long as x is large
 *
 *      CHECK_STEP(x_check(x));               at the end of each step
 *
 * Cheap asserts stand in the code itself and stay on everywhere.  CHECK_STEP runs in builds with MADANG_DEBUG: those with a
 * sanitizer, and `make DEBUG=1`.
 */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <assert.h>

/* clang-format off */
#ifdef MADANG_DEBUG
#define CHECK_STEP(check) do { check; } while (0)
#else
#define CHECK_STEP(check) do { if (0) { check; } } while (0)
#endif
/* clang-format on */
