/* hash_cost.c - passwords that this machine hashes in a second, on so many threads: hash_cost COST THREADS SECONDS. */
// SPDX-License-Identifier: Apache-2.0
#include <crypt.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "libshared/base/arena.h"
#include "libshared/base/clock.h"
#include "libshared/base/err.h"

static atomic_uint hashes;
static int64_t until_us;
static char setting[CRYPT_GENSALT_OUTPUT_SIZE];

static void *hash_passwords(void *arg)
{
    struct crypt_data *space = mem_zero(sizeof *space);

    for (; clock_mono_us() < until_us; hashes++)
        if (crypt_r("correct horse battery", setting, space) == NULL) abort();
    mem_free(space);
    return arg;
}

int main(int argc, char **argv)
{
    unsigned long cost = argc > 1 ? strtoul(argv[1], NULL, 10) : 12,
                  seconds = argc > 3 ? strtoul(argv[3], NULL, 10) : 3;
    unsigned long n = argc > 2 ? strtoul(argv[2], NULL, 10) : 1;
    pthread_t threads[64];

    if (n < 1 || n > COUNT(threads) || crypt_gensalt_rn("$2b$", cost, NULL, 0, setting, sizeof setting) == NULL)
        return 2;
    int64_t began_us = clock_mono_us();
    until_us = began_us + (int64_t)seconds * 1000000;
    for (unsigned long i = 0; i < n; i++)
        if (pthread_create(&threads[i], NULL, hash_passwords, NULL) != 0) abort();
    for (unsigned long i = 0; i < n; i++) pthread_join(threads[i], NULL);
    printf("%.2f\n", hashes / ((double)(clock_mono_us() - began_us) / 1e6));
    return 0;
}
