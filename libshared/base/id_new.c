/* id_new.c - the making of an id: UUIDv7 by RFC 9562, method 3: 48 bits of milliseconds, 12 bits of what is left of the
 * clock's precision, 62 random bits. */
// SPDX-License-Identifier: Apache-2.0
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>

#include "libshared/base/id.h"
#include "libshared/base/secret.h"

/* The time in 1/4096 ms, greater than ever before in this process, whatever the clock does. */
static uint64_t next_tick(void)
{
    static _Atomic uint64_t last;
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    uint64_t ns = (uint64_t)now.tv_nsec;
    uint64_t tick = ((uint64_t)now.tv_sec * 1000 + ns / 1000000) << 12 | (ns % 1000000 << 12) / 1000000;
    uint64_t before = atomic_load(&last), mine;
    do mine = tick > before ? tick : before + 1;
    while (!atomic_compare_exchange_weak(&last, &before, mine));
    return mine;
}

/* --- random bits, by the page --- */

/* A fork's child has its parent's page, and must not go on with it.  Changed in a child alone, before it has threads. */
static unsigned forks;

static void count_fork(void)
{
    forks++;
}

static void watch_forks(void)
{
    pthread_atfork(NULL, NULL, count_fork);
}

/* Each message that comes to a gateway gets an id as its trace: a call of the kernel for each was a third of all its calls.
 * What is secret asks the kernel itself (secret.h). */
static void take_random(uint8_t *out, size_t n)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    static _Thread_local struct {
        uint8_t bytes[1024];
        size_t left;
        unsigned forks;
    } page;

    pthread_once(&once, watch_forks);
    if (page.left < n || page.forks != forks) {
        secret_random(page.bytes, sizeof page.bytes);
        page.left = sizeof page.bytes;
        page.forks = forks;
    }
    page.left -= n;
    memcpy(out, page.bytes + page.left, n);
}

struct id id_new(void)
{
    struct id id;
    uint64_t tick = next_tick(), ms = tick >> 12;

    for (int i = 0; i < 6; i++) id.b[i] = (uint8_t)(ms >> (40 - 8 * i));
    id.b[6] = (uint8_t)(0x70 | ((tick >> 8) & 0x0F));
    id.b[7] = (uint8_t)tick;
    take_random(id.b + 8, 8);
    id.b[8] = (uint8_t)(0x80 | (id.b[8] & 0x3F));
    return id;
}
