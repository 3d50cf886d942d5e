/* table.c - the hash of our tables: multiply and fold, from a seed that nobody outside knows. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/base/table.h"

#include <string.h>

#include "libshared/base/secret.h"

static uint64_t fold(uint64_t a, uint64_t b)
{
    unsigned __int128 product = (unsigned __int128)a * b;

    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static uint64_t seed;

/* Before any thread hashes. */
__attribute__((constructor)) static void make_seed(void)
{
    secret_random(&seed, sizeof seed);
}

unsigned table_hash(const void *key, size_t len)
{
    const char *at = key;
    uint64_t hash = seed ^ len, word;

    for (; len >= 8; len -= 8, at += 8) {
        memcpy(&word, at, 8);
        hash = fold(hash ^ word, UINT64_C(0x9e3779b97f4a7c15));
    }
    word = 0;
    memcpy(&word, at, len);
    hash = fold(hash ^ word, UINT64_C(0xd1b54a32d192ed03) ^ seed);
    return (unsigned)(hash ^ hash >> 32);
}
