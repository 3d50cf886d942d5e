/* thread.h - threads for what would hold a loop up. */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

/* Signals stay with the thread that has the loop.  false: there can be no further thread. */
bool thread_start(void *(*run)(void *), void *arg); /* nobody waits for its end */
bool thread_begin(pthread_t *thread, void *(*run)(void *), void *arg);
/* Wait for its end; not from a loop.  false: it goes on, and nobody waits for it any more. */
bool thread_end(pthread_t thread, int64_t timeout_ms);
