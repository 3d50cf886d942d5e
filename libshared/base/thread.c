/* thread.c - threads without signals. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/base/thread.h"

#include <signal.h>
#include <time.h>

bool thread_begin(pthread_t *thread, void *(*run)(void *), void *arg)
{
    sigset_t all, before;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int rc = pthread_create(thread, NULL, run, arg);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return rc == 0;
}

bool thread_start(void *(*run)(void *), void *arg)
{
    pthread_t thread;

    if (!thread_begin(&thread, run, arg)) return false;
    pthread_detach(thread);
    return true;
}

bool thread_end(pthread_t thread, int64_t timeout_ms)
{
    struct timespec until;

    clock_gettime(CLOCK_MONOTONIC, &until);
    int64_t ns = until.tv_nsec + timeout_ms % 1000 * 1000000;
    until.tv_sec += timeout_ms / 1000 + ns / 1000000000;
    until.tv_nsec = ns % 1000000000;
    if (pthread_clockjoin_np(thread, NULL, CLOCK_MONOTONIC, &until) == 0) return true;
    pthread_detach(thread);
    return false;
}
