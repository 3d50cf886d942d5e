/* rates.c - may there be so much more?  Leaky buckets, each kept as the time at which it will have run empty. */
// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>
#include <string.h>

#include "libshared/base/arena.h"
#include "libshared/base/metrics.h"
#include "services/gateway/rates/limits.h"
#include "services/gateway/rates/rates_private.h"

#define CHARGED_MAX 12 /* rates of one class */

/* clang-format off */
#define T(rate) (UINT64_C(1) << RATE_##rate)
static const uint64_t classes[CLASS_COUNT] = {
#define CLASS(name, rates) rates,
#include "proto/begin.def"
#include "proto/public.def"
#include "proto/end.def"
};
/* clang-format on */
_Static_assert(RATE_COUNT <= 64, "a class is a word of bits");

struct rates *rates_create(int64_t percent)
{
    struct rates *rates = mem_zero(sizeof *rates);
    char label[64];

    rates->percent = percent;
    for (int i = 0; i < RATE_COUNT; i++) {
        snprintf(label, sizeof label, "rate=\"%s\"", rate_rows[i].name);
        rates->refused[i] = metric_counter("madang_rates_refused_total", label, "What was refused for its rate");
    }
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

const char *rate_by_name(enum rate_by by)
{
    static const char *const names[BY_COUNT] = { [BY_ADDRESS] = "address",
        [BY_SUBJECT] = "subject",
        [BY_KEY] = "key",
        [BY_USER] = "user",
        [BY_SESSION] = "session",
        [BY_CONNECTION] = "connection" };

    return names[by];
}

const char *rate_name(enum rate rate)
{
    return rate_rows[rate].name;
}

enum rate_by rate_by(enum rate rate)
{
    return rate_rows[rate].by;
}

static int64_t later_of(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static bool is_shared(const struct rates *rates, enum rate rate)
{
    return rates->shared != NULL && rate_rows[rate].by != BY_CONNECTION;
}

void rates_watch(struct rates *rates, void (*refused)(void *arg, enum rate rate, struct str who), void *arg)
{
    rates->watch = refused;
    rates->watch_arg = arg;
}

void rates_change(struct rates *rates, const struct limits *limits)
{
    rates->limits = limits;
}

/* A change for a subject or a key is about what is counted by it. */
static int64_t limit_of(const struct rates *rates, enum rate rate, struct str subject, struct str key)
{
    enum rate_by by = rate_rows[rate].by;
    bool is_of_subject = by == BY_SUBJECT || by == BY_USER, is_of_key = is_of_subject || by == BY_KEY;
    int64_t changed = limits_find(
        rates->limits, rate_rows[rate].name, is_of_subject ? subject : STR_NONE, is_of_key ? key : STR_NONE);
    int64_t limit = (changed >= 0 ? changed : rate_rows[rate].count) * rates->percent / 100;

    return limit > 0 || changed == 0 ? limit : 1;
}

static int64_t limit_for(const struct rates *rates, enum rate rate, struct str who)
{
    return limit_of(rates, rate, who, who);
}

/* A request may be larger than what a bucket holds: then the bucket has to be empty for it. */
static int64_t cost_us(enum rate rate, int64_t limit, int64_t amount)
{
    int64_t window_us = rate_rows[rate].window_us;

    if (limit == 0) return window_us + 1; /* none at all */
    return amount >= limit ? window_us : (int64_t)((double)window_us * (double)amount / (double)limit);
}

static int64_t filled_us(const struct bucket *bucket, int64_t now_us)
{
    return bucket == NULL ? 0 : later_of(later_of(bucket->here_us, bucket->all_us), now_us) - now_us;
}

static int64_t over_us(enum rate rate, const struct bucket *bucket, int64_t cost, int64_t now_us)
{
    return filled_us(bucket, now_us) + cost - rate_rows[rate].window_us;
}

/* A refusal because of what other gateways took starts an exchange with them: something may have been given back. */
static void ask_again(struct rates *rates, enum rate rate, struct bucket *bucket)
{
    if (bucket->all_us > bucket->here_us && is_shared(rates, rate)) bucket_wait(rates, bucket);
}

static void note_refusal(struct rates *rates, enum rate rate, struct bucket *bucket)
{
    ask_again(rates, rate, bucket);
    metric_add(rates->refused[rate], 1);
    if (rates->watch != NULL)
        rates->watch(rates->watch_arg, rate, (struct str){ bucket->key + 1, bucket->key_len - 1 });
}

static void fill_bucket(struct rates *rates, enum rate rate, struct bucket *bucket, int64_t cost, int64_t now_us)
{
    bucket->here_us = later_of(bucket->here_us, now_us) + cost;
    bucket->all_us = later_of(bucket->all_us, now_us) + cost;
    if (!is_shared(rates, rate)) return;
    bucket->unsent_us += cost;
    if (bucket->unsent_us >= RATES_UNSENT_MAX_US(rate)) bucket_wait(rates, bucket);
}

int64_t rates_take(struct rates *rates, enum rate rate, struct str who, int64_t now_us)
{
    if (rates->percent == 0) return 0;
    struct bucket *bucket = bucket_get(rates, rate, who, now_us);
    int64_t cost = cost_us(rate, limit_for(rates, rate, who), 1), over = over_us(rate, bucket, cost, now_us);

    if (over <= 0) {
        fill_bucket(rates, rate, bucket, cost, now_us);
        return 0;
    }
    note_refusal(rates, rate, bucket);
    return over / 1000 + 1;
}

/* --- a class --- */

struct charged {
    enum rate rate;
    struct bucket *bucket; /* held: to make room for the next one, the table may forget it */
    int64_t limit, cost;
};

static void note_state(const struct charged *one, int64_t now_us, struct rate_state *state)
{
    const struct rate_row *row = &rate_rows[one->rate];
    int64_t free_us = row->window_us - filled_us(one->bucket, now_us);
    int64_t left = free_us > 0 ? (int64_t)((double)one->limit * (double)free_us / (double)row->window_us) : 0;

    if (state->name != NULL && (double)left * (double)state->limit >= (double)state->left * (double)one->limit) return;
    *state = (struct rate_state){ .name = row->name,
        .limit = one->limit,
        .window_s = row->window_us / 1000000,
        .left = left,
        .by = row->by,
        .who_len = one->bucket->key_len - 1 };
    memcpy(state->who, one->bucket->key + 1, state->who_len);
}

static void describe_refusal(struct rates *rates, const struct charged *one, int64_t now_us, struct rate_state *state)
{
    *state = (struct rate_state){ .name = NULL };
    note_state(one, now_us, state);
    state->retry_after_ms =
        (one->limit > 0 ? over_us(one->rate, one->bucket, one->cost, now_us) : rate_rows[one->rate].window_us) / 1000 +
        1; /* of none at all: later */
    note_refusal(rates, one->rate, one->bucket);
}

static size_t find_buckets(struct rates *rates, enum rate_class class, const struct rate_payer *payer, int64_t now_us,
    struct charged out[CHARGED_MAX])
{
    size_t n = 0;

    for (uint64_t left = classes[class]; left != 0 && n < CHARGED_MAX; left &= left - 1) {
        enum rate rate = (enum rate)__builtin_ctzll(left);
        const struct rate_row *row = &rate_rows[rate];
        struct str who = payer->who[row->by];
        if (who.len == 0 || payer->amount[row->unit] == 0) continue;
        int64_t limit = limit_of(rates, rate, payer->who[BY_SUBJECT], payer->who[BY_KEY]);
        out[n] = (struct charged){ rate, bucket_get(rates, rate, who, now_us), limit,
            cost_us(rate, limit, payer->amount[row->unit]) };
        out[n++].bucket->refs++;
    }
    return n;
}

bool rates_charge(struct rates *rates, enum rate_class class, const struct rate_payer *payer, int64_t now_us,
    struct rate_state *state)
{
    struct charged charged[CHARGED_MAX];
    bool good = true;

    *state = (struct rate_state){ .name = NULL };
    if (rates->percent == 0) return true;
    size_t n = find_buckets(rates, class, payer, now_us, charged);
    for (size_t i = 0; i < n && good; i++) {
        good = over_us(charged[i].rate, charged[i].bucket, charged[i].cost, now_us) <= 0;
        if (!good) describe_refusal(rates, &charged[i], now_us, state);
    }
    for (size_t i = 0; i < n && good; i++) {
        if (charged[i].bucket->refs > 1)
            fill_bucket(rates, charged[i].rate, charged[i].bucket, charged[i].cost, now_us);
        note_state(&charged[i], now_us, state);
    }
    for (size_t i = 0; i < n; i++) bucket_drop(charged[i].bucket);
    return good;
}

static void fill_over(struct rates *rates, const struct charged *one, int64_t now_us)
{
    int64_t most_us = 2 * rate_rows[one->rate].window_us - filled_us(one->bucket, now_us);

    if (one->bucket->refs > 1 && most_us > 0)
        fill_bucket(rates, one->rate, one->bucket, one->cost < most_us ? one->cost : most_us, now_us);
}

bool rates_charge_done(struct rates *rates, enum rate_class class, const struct rate_payer *payer, int64_t now_us,
    struct rate_state *state)
{
    struct charged charged[CHARGED_MAX];

    if (rates_charge(rates, class, payer, now_us, state)) return true;
    size_t n = find_buckets(rates, class, payer, now_us, charged);
    for (size_t i = 0; i < n; i++) {
        fill_over(rates, &charged[i], now_us);
        bucket_drop(charged[i].bucket);
    }
    return false;
}

/* --- what is left --- */

struct rate_state rates_limit(const struct rates *rates, enum rate rate)
{
    return (struct rate_state){ .name = rate_rows[rate].name,
        .limit = limit_of(rates, rate, STR_NONE, STR_NONE),
        .window_s = rate_rows[rate].window_us / 1000000 };
}

int64_t rates_left(const struct rates *rates, enum rate rate, struct str who, int64_t now_us)
{
    if (rates->percent == 0) return INT64_MAX;
    int64_t cost = cost_us(rate, limit_for(rates, rate, who), 1);
    int64_t left_us = rate_rows[rate].window_us - filled_us(bucket_find(rates, rate, who), now_us);
    return left_us > 0 ? left_us / cost : 0;
}

int64_t rates_wait_ms(const struct rates *rates, enum rate rate, struct str who, int64_t now_us)
{
    if (rates->percent == 0) return 0;
    int64_t cost = cost_us(rate, limit_for(rates, rate, who), 1);
    int64_t over = over_us(rate, bucket_find(rates, rate, who), cost, now_us);
    return over > 0 ? over / 1000 + 1 : 0;
}

void rates_give_back(struct rates *rates, enum rate rate, struct str who)
{
    struct bucket *bucket = bucket_find(rates, rate, who);

    if (bucket == NULL) return; /* forgotten, and what was taken with it; or nothing is counted */
    int64_t cost = cost_us(rate, limit_for(rates, rate, who), 1);
    bucket->here_us -= cost;
    bucket->all_us -= cost;
    if (!is_shared(rates, rate)) return;
    bucket->unsent_us -= cost;
    bucket_wait(rates, bucket);
}
