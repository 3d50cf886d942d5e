/* rates_buckets.c - a bucket for each class and sender; some wait to be shared. */
// SPDX-License-Identifier: Apache-2.0
#include <assert.h>
#include <string.h>
#include <utlist.h>

#include "libshared/base/arena.h"
#include "libshared/base/network.h"
#include "services/gateway/rates/rates_private.h"

#define SENDERS_MAX 200000

/* clang-format off */
const struct rate_row rate_rows[RATE_COUNT] = {
#define RATE(name, count, seconds, by, unit, doc) \
    { #name, (count), (seconds) * INT64_C(1000000), BY_##by, UNIT_##unit },
#include "proto/begin.def"
#include "proto/public.def"
#include "proto/end.def"
};
/* clang-format on */

/* --- to be shared --- */

void bucket_wait(struct rates *rates, struct bucket *bucket)
{
    if (bucket->is_waiting) return;
    bucket->is_waiting = true;
    DL_APPEND(rates->waiting, bucket);
}

void bucket_wait_end(struct rates *rates, struct bucket *bucket)
{
    DL_DELETE(rates->waiting, bucket);
    bucket->is_waiting = false;
}

/* --- the table --- */

void bucket_drop(struct bucket *bucket)
{
    assert(bucket->refs > 0);
    if (--bucket->refs == 0) mem_free(bucket);
}

static void forget_bucket(struct rates *rates, struct bucket *bucket)
{
    HASH_DEL(rates->table, bucket);
    if (bucket->is_waiting) bucket_wait_end(rates, bucket);
    bucket_drop(bucket);
}

void buckets_forget(struct rates *rates)
{
    while (rates->table != NULL) forget_bucket(rates, rates->table);
}

/* With what was given back but not to the others yet, a good credential would go on counting there.  And whoever takes
 * from several rates has the first of them in hand while the others are made. */
static bool still_matters(const struct bucket *bucket, int64_t now_us)
{
    bool in_hand = bucket->here_us == 0 && bucket->refs > 1;

    return bucket->here_us > now_us || bucket->all_us > now_us || bucket->unsent_us < 0 || in_hand;
}

/* Two old ones go for each new one, as long as they are empty: the table shrinks by itself. */
static void make_room(struct rates *rates, int64_t now_us)
{
    for (int i = 0; i < 2 && rates->table != NULL; i++) {
        bool full = HASH_COUNT(rates->table) >= SENDERS_MAX;
        if (!full && still_matters(rates->table, now_us)) return;
        forget_bucket(rates, rates->table);
    }
}

struct bucket_key {
    size_t len;
    char bytes[RATES_WHO_MAX + 1];
};

static struct bucket *find_bucket(const struct rates *rates, enum rate rate, struct str who, struct bucket_key *key)
{
    struct bucket *bucket;
    char block[INET6_ADDRSTRLEN];
    if (rate_rows[rate].by == BY_ADDRESS) who = address_block_name(who, block);
    size_t len = who.len < RATES_WHO_MAX ? who.len : RATES_WHO_MAX;

    key->len = len + 1;
    key->bytes[0] = (char)rate;
    if (len > 0) memcpy(key->bytes + 1, who.at, len);
    HASH_FIND(hh, rates->table, key->bytes, key->len, bucket);
    return bucket;
}

struct bucket *bucket_find(const struct rates *rates, enum rate rate, struct str who)
{
    struct bucket_key key;

    return find_bucket(rates, rate, who, &key);
}

struct bucket *bucket_get(struct rates *rates, enum rate rate, struct str who, int64_t now_us)
{
    struct bucket_key key;
    struct bucket *bucket = find_bucket(rates, rate, who, &key);

    if (bucket != NULL) return bucket;
    make_room(rates, now_us);
    bucket = mem_zero(sizeof *bucket + key.len);
    bucket->refs = 1;
    bucket->key_len = key.len;
    memcpy(bucket->key, key.bytes, key.len);
    HASH_ADD_KEYPTR(hh, rates->table, bucket->key, bucket->key_len, bucket);
    return bucket;
}
