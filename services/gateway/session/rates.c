/* rates.c - a leaky bucket for each class and sender, kept as the time at which it will have run empty. */
// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/session/rates.h"

#include <string.h>

#include "libshared/base/arena.h"
#include "libshared/base/table.h"

#define SENDERS_MAX 200000
#define WHO_MAX     128

struct bucket {
    int64_t empty_at_us;
    UT_hash_handle hh;
    size_t key_len;
    char key[]; /* the class, then who */
};

struct rates {
    struct bucket *table;
    int64_t percent;
};

/* clang-format off */
static const struct { int64_t count, window_us; enum rate_by by; } classes[] = {
#define RATE(name, count_, seconds, by_, doc) { (count_), (seconds) * INT64_C(1000000), BY_##by_ },
#include "proto/begin.def"
#include "proto/public.def"
#include "proto/end.def"
};
/* clang-format on */

struct rates *rates_create(int64_t percent)
{
    struct rates *rates = mem_zero(sizeof *rates);

    rates->percent = percent;
    return rates;
}

static void forget(struct rates *rates, struct bucket *bucket)
{
    HASH_DEL(rates->table, bucket);
    mem_free(bucket);
}

void rates_destroy(struct rates **rates)
{
    if (*rates == NULL) return;
    while ((*rates)->table != NULL) forget(*rates, (*rates)->table);
    mem_free(*rates);
    *rates = NULL;
}

enum rate_by rates_by(enum rate_class class)
{
    return classes[class].by;
}

/* Two old ones go for each new one, as long as they are empty: the table shrinks by itself. */
static void make_room(struct rates *rates, int64_t now_us)
{
    for (int i = 0; i < 2 && rates->table != NULL; i++) {
        bool full = HASH_COUNT(rates->table) >= SENDERS_MAX;
        if (!full && rates->table->empty_at_us > now_us) return;
        forget(rates, rates->table);
    }
}

static struct bucket *get_bucket(struct rates *rates, enum rate_class class, struct str who, int64_t now_us)
{
    char key[WHO_MAX + 1] = { (char)class };
    size_t len = who.len < WHO_MAX ? who.len : WHO_MAX;
    struct bucket *bucket;

    if (len > 0) memcpy(key + 1, who.at, len);
    HASH_FIND(hh, rates->table, key, len + 1, bucket);
    if (bucket != NULL) return bucket;
    make_room(rates, now_us);
    bucket = mem_zero(sizeof *bucket + len + 1);
    bucket->key_len = len + 1;
    memcpy(bucket->key, key, len + 1);
    HASH_ADD_KEYPTR(hh, rates->table, bucket->key, bucket->key_len, bucket);
    return bucket;
}

int64_t rates_take(struct rates *rates, enum rate_class class, struct str who, int64_t now_us)
{
    if (rates->percent == 0) return 0;
    struct bucket *bucket = get_bucket(rates, class, who, now_us);
    int64_t from = bucket->empty_at_us > now_us ? bucket->empty_at_us : now_us;
    int64_t then = from + classes[class].window_us * 100 / (classes[class].count * rates->percent);
    int64_t over = then - now_us - classes[class].window_us;

    if (over > 0) return over / 1000 + 1;
    bucket->empty_at_us = then;
    return 0;
}

void rates_give_back(struct rates *rates, enum rate_class class, struct str who, int64_t now_us)
{
    get_bucket(rates, class, who, now_us)->empty_at_us -= classes[class].window_us / classes[class].count;
}
