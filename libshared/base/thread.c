/* thread.c - a detached thread without signals. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/base/thread.h"

#include <pthread.h>
#include <signal.h>

bool thread_start(void *(*run)(void *), void *arg)
{
    pthread_t thread;
    sigset_t all, before;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int rc = pthread_create(&thread, NULL, run, arg);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (rc == 0) pthread_detach(thread);
    return rc == 0;
}
