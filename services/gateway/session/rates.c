/* rates.c - may there be one more?  Leaky buckets, each kept as the time at which it will have run empty. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/base/arena.h"
#include "services/gateway/session/rates_inside.h"

struct rates *rates_create(int64_t percent)
{
    struct rates *rates = mem_zero(sizeof *rates);

    if (percent == 0) return rates;
    for (int i = 0; i < RATE_COUNT; i++)
        rates->cost_us[i] = rate_rows[i].window_us * 100 / (rate_rows[i].count * percent);
    return rates;
}

void rates_destroy(struct rates **rates)
{
    if (*rates == NULL) return;
    buckets_forget(*rates);
    rates_shared_destroy(&(*rates)->shared);
    mem_free(*rates);
    *rates = NULL;
}

enum rate_by rates_by(enum rate_class class)
{
    return rate_rows[class].by;
}

static int64_t later(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static bool is_shared(const struct rates *rates, enum rate_class class)
{
    return rates->shared != NULL && (rate_rows[class].by == BY_ADDRESS || rate_rows[class].by == BY_SUBJECT);
}

int64_t rates_take(struct rates *rates, enum rate_class class, struct str who, int64_t now_us)
{
    int64_t cost = rates->cost_us[class];

    if (cost == 0) return 0;
    struct bucket *bucket = bucket_get(rates, class, who, now_us);
    int64_t here = later(bucket->here_us, now_us) + cost, all = later(bucket->all_us, now_us) + cost;
    int64_t over = later(here, all) - now_us - rate_rows[class].window_us;

    if (over > 0) {
        if (all > here && is_shared(rates, class)) bucket_wait(rates, bucket);
        return over / 1000 + 1;
    }
    bucket->here_us = here;
    bucket->all_us = all;
    if (!is_shared(rates, class)) return 0;
    bucket->unsent_us += cost;
    if (bucket->unsent_us >= RATES_UNSENT_MAX_US(class)) bucket_wait(rates, bucket);
    return 0;
}

static int64_t filled_us(const struct rates *rates, enum rate_class class, struct str who, int64_t now_us)
{
    const struct bucket *bucket = bucket_find(rates, class, who);

    return bucket == NULL ? 0 : later(later(bucket->here_us, bucket->all_us), now_us) - now_us;
}

int64_t rates_left(const struct rates *rates, enum rate_class class, struct str who, int64_t now_us)
{
    int64_t cost = rates->cost_us[class];

    if (cost == 0) return INT64_MAX;
    int64_t left_us = rate_rows[class].window_us - filled_us(rates, class, who, now_us);
    return left_us > 0 ? left_us / cost : 0;
}

int64_t rates_wait_ms(const struct rates *rates, enum rate_class class, struct str who, int64_t now_us)
{
    int64_t cost = rates->cost_us[class];
    int64_t over = filled_us(rates, class, who, now_us) + cost - rate_rows[class].window_us;

    return cost > 0 && over > 0 ? over / 1000 + 1 : 0;
}

void rates_give_back(struct rates *rates, enum rate_class class, struct str who)
{
    int64_t cost = rates->cost_us[class];
    struct bucket *bucket = bucket_find(rates, class, who);

    if (bucket == NULL) return; /* forgotten, and what was taken with it; or nothing is counted */
    bucket->here_us -= cost;
    bucket->all_us -= cost;
    if (!is_shared(rates, class)) return;
    bucket->unsent_us -= cost;
    bucket_wait(rates, bucket);
}
