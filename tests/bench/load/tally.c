/* tally.c - times sorted into buckets: exact below 32 us, 32 buckets to each doubling above. */
// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/load/tally.h"

#include <inttypes.h>
#include <time.h>

enum { PER_DOUBLING = 32, LOG_PER_DOUBLING = 5 };

int64_t tally_now_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static unsigned bucket_of(uint64_t us)
{
    if (us < PER_DOUBLING) return (unsigned)us;
    unsigned shift = 63u - LOG_PER_DOUBLING - (unsigned)__builtin_clzll(us);
    unsigned bucket = shift * PER_DOUBLING + (unsigned)(us >> shift);
    return bucket < TALLY_BUCKETS ? bucket : TALLY_BUCKETS - 1;
}

static uint64_t most_in(unsigned bucket)
{
    if (bucket < 2 * PER_DOUBLING) return bucket;
    unsigned shift = bucket / PER_DOUBLING - 1;
    return ((uint64_t)(bucket % PER_DOUBLING + PER_DOUBLING + 1) << shift) - 1;
}

void tally_add(struct tally *tally, int64_t us)
{
    uint64_t n = us > 0 ? (uint64_t)us : 0;

    tally->count++;
    tally->buckets[bucket_of(n)]++;
    if (n > tally->most) tally->most = n;
}

uint64_t tally_share(const struct tally *tally, double share)
{
    uint64_t wanted = (uint64_t)(share * (double)tally->count + 0.5), seen = 0;

    for (unsigned i = 0; i < TALLY_BUCKETS; i++) {
        seen += tally->buckets[i];
        if (seen > 0 && seen >= wanted) return most_in(i) < tally->most ? most_in(i) : tally->most;
    }
    return 0;
}

void tally_print(const struct tally *tally, const char *name, FILE *out)
{
    fprintf(out, "\"%s\":{\"p50\":%" PRIu64 ",\"p90\":%" PRIu64 ",\"p99\":%" PRIu64 ",\"max\":%" PRIu64 "}", name,
        tally_share(tally, 0.5), tally_share(tally, 0.9), tally_share(tally, 0.99), tally->most);
}
