/* rates.c - a leaky bucket for each class and sender, kept as the time at which it will have run empty. */
// SPDX-License-Identifier: Apache-2.0
#include <arpa/inet.h>
#include <string.h>

#include "libshared/base/arena.h"
#include "services/gateway/session/rates_inside.h"

#define SENDERS_MAX 200000

/* clang-format off */
const struct rate_row rate_rows[RATE_COUNT] = {
#define RATE(name, count, seconds, by, doc) { #name, (count), (seconds) * INT64_C(1000000), BY_##by },
#include "proto/begin.def"
#include "proto/public.def"
#include "proto/end.def"
};
/* clang-format on */

struct rates *rates_create(int64_t percent)
{
    struct rates *rates = mem_zero(sizeof *rates);

    if (percent == 0) return rates;
    for (int i = 0; i < RATE_COUNT; i++)
        rates->cost_us[i] = rate_rows[i].window_us * 100 / (rate_rows[i].count * percent);
    return rates;
}

void bucket_drop(struct bucket *bucket)
{
    if (--bucket->refs == 0) mem_free(bucket);
}

static void forget(struct rates *rates, struct bucket *bucket)
{
    HASH_DEL(rates->table, bucket);
    if (bucket->is_waiting) rates_shared_forget(rates->shared, bucket);
    bucket_drop(bucket);
}

void rates_destroy(struct rates **rates)
{
    if (*rates == NULL) return;
    while ((*rates)->table != NULL) forget(*rates, (*rates)->table);
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

/* Two old ones go for each new one, as long as they are empty: the table shrinks by itself. */
static void make_room(struct rates *rates, int64_t now_us)
{
    for (int i = 0; i < 2 && rates->table != NULL; i++) {
        bool full = HASH_COUNT(rates->table) >= SENDERS_MAX;
        if (!full && later(rates->table->here_us, rates->table->all_us) > now_us) return;
        forget(rates, rates->table);
    }
}

struct key {
    size_t len;
    char bytes[RATES_WHO_MAX + 1];
};

/* Of IPv6 the first 64 bits count: a host owns all the addresses behind them. */
static struct str network_of(struct str address, char text[INET6_ADDRSTRLEN])
{
    struct in6_addr at;
    size_t colon;

    if (address.len >= INET6_ADDRSTRLEN || !str_find(address, ':', &colon)) return address;
    memcpy(text, address.at, address.len);
    text[address.len] = '\0';
    if (inet_pton(AF_INET6, text, &at) != 1) return address;
    memset(at.s6_addr + 8, 0, 8);
    return str_of(inet_ntop(AF_INET6, &at, text, INET6_ADDRSTRLEN));
}

static struct bucket *find(const struct rates *rates, enum rate_class class, struct str who, struct key *key)
{
    struct bucket *bucket;
    char network[INET6_ADDRSTRLEN];
    if (rate_rows[class].by == BY_ADDRESS) who = network_of(who, network);
    size_t len = who.len < RATES_WHO_MAX ? who.len : RATES_WHO_MAX;

    key->len = len + 1;
    key->bytes[0] = (char)class;
    if (len > 0) memcpy(key->bytes + 1, who.at, len);
    HASH_FIND(hh, rates->table, key->bytes, key->len, bucket);
    return bucket;
}

static struct bucket *add(struct rates *rates, const struct key *key, int64_t now_us)
{
    make_room(rates, now_us);
    struct bucket *bucket = mem_zero(sizeof *bucket + key->len);

    bucket->refs = 1;
    bucket->key_len = key->len;
    memcpy(bucket->key, key->bytes, key->len);
    HASH_ADD_KEYPTR(hh, rates->table, bucket->key, bucket->key_len, bucket);
    return bucket;
}

static bool is_shared(const struct rates *rates, enum rate_class class)
{
    return rates->shared != NULL && rate_rows[class].by != BY_SOCKET;
}

int64_t rates_take(struct rates *rates, enum rate_class class, struct str who, int64_t now_us)
{
    int64_t cost = rates->cost_us[class];
    struct key key;

    if (cost == 0) return 0;
    struct bucket *bucket = find(rates, class, who, &key);
    if (bucket == NULL) bucket = add(rates, &key, now_us);
    int64_t here = later(bucket->here_us, now_us) + cost, all = later(bucket->all_us, now_us) + cost;
    int64_t over = later(here, all) - now_us - rate_rows[class].window_us;

    if (over > 0) {
        if (all > here && is_shared(rates, class)) rates_shared_note(rates->shared, bucket);
        return over / 1000 + 1;
    }
    bucket->here_us = here;
    bucket->all_us = all;
    if (!is_shared(rates, class)) return 0;
    bucket->unsent_us += cost;
    if (bucket->unsent_us >= RATES_UNSENT_MAX_US(class)) rates_shared_note(rates->shared, bucket);
    return 0;
}

void rates_give_back(struct rates *rates, enum rate_class class, struct str who)
{
    int64_t cost = rates->cost_us[class];
    struct key key;
    struct bucket *bucket = find(rates, class, who, &key);

    if (bucket == NULL) return; /* forgotten, and what was taken with it; or nothing is counted */
    bucket->here_us -= cost;
    bucket->all_us -= cost;
    if (!is_shared(rates, class)) return;
    bucket->unsent_us -= cost;
    rates_shared_note(rates->shared, bucket);
}
