/*
 * rates_shared.c - what all gateways took, in Redis, a little later:
 *
 *      taken --> waiting --every 100 ms, one batch at a time--> Redis: max(stored, now) + taken --> how far that is ahead
 *                   ^                                                                                      |
 *                   \--no answer: it waits again                          all = now + that + taken since <--/
 *
 * Redis' clock is the only one that is stored; between processes go distances from now.
 */
// SPDX-License-Identifier: Apache-2.0
#include <ev.h>
#include <hiredis/hiredis.h>
#include <stdio.h>
#include <string.h>

#include "libshared/base/arena.h"
#include "libshared/base/clock.h"
#include "libshared/base/log.h"
#include "libshared/cache/redis.h"
#include "libshared/base/metrics.h"
#include "services/gateway/rates/rates_private.h"

#define TICK_S       0.1
#define PREFIX       "madang:rate:"
#define EXCHANGE_MAX 20 /* buckets: a command has at most 64 words */
#define BATCH_MAX    48 /* exchanges */
#define KEY_MAX      (sizeof PREFIX + 32 + RATES_WHO_MAX)
#define AHEAD_MAX_US 600000000                           /* should Redis' clock be set back; and two windows */
#define FAR_US       (14 * 24 * 3600 * INT64_C(1000000)) /* further than any distance that the script can give */

/* A key lasts until its bucket has run empty: there is nothing to clean up. */
static const char script[] =
    "local t = redis.call('TIME') local now = t[1] * 1000000 + t[2] local ahead = {} "
    "for i, key in ipairs(KEYS) do "
    "local at, used = tonumber(redis.call('GET', key) or now), tonumber(ARGV[2 * i - 1]) "
    "if at < now then at = now end at = math.min(at + used, now + ARGV[2 * i]) "
    "if at <= now then redis.call('DEL', key) "
    "elseif used ~= 0 then redis.call('SET', key, string.format('%.0f', at), 'PX', math.ceil((at - now) / 1000)) end "
    "ahead[i] = at - now end return ahead";

struct rates_shared {
    struct ev_loop *loop;
    struct redis *redis;
    struct rates *rates;
    unsigned under_way; /* exchanges of the present batch */
    bool refused;       /* the log knows */
    ev_timer tick;
    struct metric *answered, *failed;
};

/* One command and its buckets. */
struct exchange {
    struct rates_shared *shared;
    size_t n;
    struct {
        struct bucket *bucket;
        int64_t used_us;
    } at[EXCHANGE_MAX];
};

/* --- answers --- */

static void log_failure(struct rates_shared *shared, const char *why)
{
    if (!shared->refused) LOG(WARN, "rates.not_shared", F_TEXT("why", why));
    shared->refused = true;
}

/* The amount may be counted twice.  That is acceptable: it only matters to heavy users, for whom the limit is. */
static void put_back(struct exchange *exchange)
{
    for (size_t i = 0; i < exchange->n; i++) {
        struct bucket *bucket = exchange->at[i].bucket;
        bucket->unsent_us += exchange->at[i].used_us;
        if (bucket->refs > 1) bucket_wait(exchange->shared->rates, bucket); /* else it is forgotten already */
    }
}

static bool is_whole(const struct exchange *exchange, const struct redisReply *reply)
{
    if (reply->type != REDIS_REPLY_ARRAY || reply->elements != exchange->n) return false;
    for (size_t i = 0; i < reply->elements; i++) {
        const struct redisReply *ahead = reply->element[i];
        if (ahead->type != REDIS_REPLY_INTEGER || ahead->integer < -FAR_US || ahead->integer > FAR_US) return false;
    }
    return true;
}

static void learn_totals(struct exchange *exchange, const struct redisReply *reply)
{
    int64_t now_us = clock_mono_us();

    for (size_t i = 0; i < exchange->n; i++) {
        struct bucket *bucket = exchange->at[i].bucket;
        bucket->all_us = now_us + reply->element[i]->integer + bucket->unsent_us;
    }
    exchange->shared->refused = false;
}

static void on_answer(void *arg, const struct redisReply *reply)
{
    struct exchange *exchange = arg;
    struct rates_shared *shared = exchange->shared;
    bool good = reply != NULL && is_whole(exchange, reply);

    shared->under_way--;
    metric_add(good ? shared->answered : shared->failed, (int64_t)exchange->n);
    if (good)
        learn_totals(exchange, reply);
    else if (reply == NULL)
        put_back(exchange);
    else
        log_failure(shared, reply->type == REDIS_REPLY_ERROR ? reply->str : "bad_reply");
    for (size_t i = 0; i < exchange->n; i++) bucket_drop(exchange->at[i].bucket);
    mem_free(exchange);
}

/* --- questions --- */

/* After a time without Redis most of what was taken has run out again: what is in the bucket here, and a little. */
static int64_t due(const struct bucket *bucket, int64_t now_us)
{
    int64_t left_us = bucket->here_us > now_us ? bucket->here_us - now_us : 0;
    int64_t most_us = left_us + 2 * RATES_UNSENT_MAX_US((unsigned char)bucket->key[0]);

    return bucket->unsent_us < most_us ? bucket->unsent_us : most_us;
}

static void collect_buckets(struct exchange *exchange, int64_t now_us)
{
    struct rates *rates = exchange->shared->rates;

    while (exchange->n < EXCHANGE_MAX && rates->waiting != NULL) {
        struct bucket *bucket = rates->waiting;
        bucket_wait_end(rates, bucket);
        bucket->refs++;
        exchange->at[exchange->n].bucket = bucket;
        exchange->at[exchange->n++].used_us = due(bucket, now_us);
        bucket->unsent_us = 0;
    }
}

static struct str key_of(const struct bucket *bucket, char *out)
{
    int len = snprintf(out, KEY_MAX, PREFIX "%s:", rate_rows[(unsigned char)bucket->key[0]].name);

    memcpy(out + len, bucket->key + 1, bucket->key_len - 1);
    return (struct str){ out, (size_t)len + bucket->key_len - 1 };
}

static int64_t ahead_max_us(const struct bucket *bucket)
{
    int64_t two_us = 2 * rate_rows[(unsigned char)bucket->key[0]].window_us;

    return two_us > AHEAD_MAX_US ? two_us : AHEAD_MAX_US;
}

static struct str number_word(char out[24], int64_t number)
{
    return (struct str){ out, (size_t)snprintf(out, 24, "%lld", (long long)number) };
}

static void send_one(struct rates_shared *shared, int64_t now_us)
{
    struct exchange *exchange = mem_zero(sizeof *exchange);
    char keys[EXCHANGE_MAX][KEY_MAX], numbers[2 * EXCHANGE_MAX + 1][24];
    struct str words[3 + 3 * EXCHANGE_MAX] = { STR("EVAL"), str_of(script) };

    exchange->shared = shared;
    collect_buckets(exchange, now_us);
    size_t n = exchange->n;
    words[2] = number_word(numbers[2 * n], (int64_t)n);
    for (size_t i = 0; i < n; i++) {
        words[3 + i] = key_of(exchange->at[i].bucket, keys[i]);
        words[3 + n + 2 * i] = number_word(numbers[2 * i], exchange->at[i].used_us);
        words[4 + n + 2 * i] = number_word(numbers[2 * i + 1], ahead_max_us(exchange->at[i].bucket));
    }
    shared->under_way++;
    redis_command(shared->redis, on_answer, exchange, words, 3 + 3 * n);
}

/* What is too much for one batch waits for the next; the bucket that was exchanged longest ago comes first. */
static void on_tick(struct ev_loop *loop, ev_timer *timer, int events)
{
    struct rates_shared *shared = timer->data;
    int64_t now_us = clock_mono_us();

    (void)loop, (void)events;
    if (shared->under_way > 0 || !redis_is_up(shared->redis)) return;
    for (int i = 0; i < BATCH_MAX && shared->rates->waiting != NULL; i++) send_one(shared, now_us);
}

/* --- its life --- */

void rates_share(struct rates *rates, struct ev_loop *loop, const char *redis_url)
{
    const char *name = "madang_rates_shared_total", *help = "Buckets of rates exchanged with Redis";

    if (redis_url[0] == '\0' || rates->percent == 0) return;
    struct rates_shared *shared = mem_zero(sizeof *shared);
    shared->loop = loop;
    shared->rates = rates;
    shared->redis = redis_create(loop, redis_url);
    shared->answered = metric_counter(name, "result=\"answered\"", help);
    shared->failed = metric_counter(name, "result=\"failed\"", help);
    ev_timer_init(&shared->tick, on_tick, TICK_S, TICK_S);
    shared->tick.data = shared;
    ev_timer_start(loop, &shared->tick);
    rates->shared = shared;
}

void rates_shared_destroy(struct rates_shared **shared)
{
    if (*shared == NULL) return;
    ev_timer_stop((*shared)->loop, &(*shared)->tick);
    redis_destroy(&(*shared)->redis); /* what is under way is answered by that */
    mem_free(*shared);
    *shared = NULL;
}
