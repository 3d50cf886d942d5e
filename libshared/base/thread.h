/* thread.h - threads that nobody joins, for what would hold a loop up. */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <stdbool.h>

/* Signals stay with the thread that has the loop.  false: there can be no further thread. */
bool thread_start(void *(*run)(void *), void *arg);
