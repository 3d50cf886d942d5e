/* address_rate.c - a leaky bucket for each address, kept as the time at which it will have run empty. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/http/address/address_rate.h"

#include "libshared/base/arena.h"
#include "libshared/base/network.h"
#include "libshared/base/table.h"

#define ADDRESSES_MAX 100000

struct address_bucket {
    struct in6_addr from;
    int64_t empty_us;
    UT_hash_handle hh; /* in the order of their coming */
};

struct address_rate {
    struct address_bucket *by_address;
    int64_t step_us, most_us;
};

struct address_rate *address_rate_create(int64_t per_s, int64_t at_once)
{
    struct address_rate *rate = mem_zero(sizeof *rate);

    if (per_s == 0) return rate;
    rate->step_us = 1000000 / per_s > 0 ? 1000000 / per_s : 1;
    rate->most_us = rate->step_us * at_once;
    return rate;
}

static void forget_bucket(struct address_rate *rate, struct address_bucket *bucket)
{
    HASH_DELETE(hh, rate->by_address, bucket);
    mem_free(bucket);
}

void address_rate_destroy(struct address_rate *rate)
{
    while (rate->by_address != NULL) forget_bucket(rate, rate->by_address);
    mem_free(rate);
}

/* Two old ones go for each new one, as long as they are empty: the table shrinks by itself. */
static void make_room(struct address_rate *rate, int64_t now_us)
{
    for (int i = 0; i < 2 && rate->by_address != NULL; i++) {
        bool full = HASH_COUNT(rate->by_address) >= ADDRESSES_MAX;
        if (!full && rate->by_address->empty_us > now_us) return;
        forget_bucket(rate, rate->by_address);
    }
}

static struct address_bucket *bucket_of(struct address_rate *rate, const struct in6_addr *from, int64_t now_us)
{
    struct in6_addr key = address_block(from);
    struct address_bucket *bucket;

    HASH_FIND(hh, rate->by_address, &key, sizeof key, bucket);
    if (bucket != NULL) return bucket;
    make_room(rate, now_us);
    bucket = mem_zero(sizeof *bucket);
    bucket->from = key;
    HASH_ADD(hh, rate->by_address, from, sizeof bucket->from, bucket);
    return bucket;
}

bool address_rate_take(struct address_rate *rate, const struct in6_addr *from, int64_t now_us)
{
    if (rate->step_us == 0) return true;
    struct address_bucket *bucket = bucket_of(rate, from, now_us);
    int64_t start_us = bucket->empty_us > now_us ? bucket->empty_us : now_us;

    if (start_us + rate->step_us > now_us + rate->most_us) return false;
    bucket->empty_us = start_us + rate->step_us;
    return true;
}
