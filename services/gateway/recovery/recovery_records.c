/* recovery_records.c - records in Redis. */
// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/recovery/recovery_records.h"

#include <hiredis/hiredis.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <string.h>

#include "libshared/base/hex.h"

#define CHANNEL   STR("madang:recovered")
#define PREFIX    "madang:recovery:"
#define HEX_CHARS (2 * RECORD_HASH_BYTES)

#define OWNED "local v = redis.call('GET', KEYS[1]) if v and string.sub(v, 1, 20) ~= ARGV[1] then return 0 end "

/* 1: done; 0: it is another's; -1: there is none. */
static const char write_script[] = OWNED "redis.call('SET', KEYS[1], ARGV[1] .. ARGV[2], 'PX', ARGV[3]) return 1";
static const char keep_script[] = OWNED "if not v then return -1 end redis.call('PEXPIRE', KEYS[1], ARGV[2]) return 1";
static const char claim_script[] =
    "local v = redis.call('GET', KEYS[1]) if not v then return -1 end if v ~= ARGV[1] then return 0 end "
    "redis.call('SET', KEYS[1], ARGV[2] .. ARGV[3], 'PX', ARGV[4]) return 1";
/* The owner's name stays, so that a connection that should be dead does not make the record again. */
static const char remove_script[] = OWNED "redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2]) return 1";

struct recovery_key {
    char text[sizeof PREFIX + HEX_CHARS];
};
struct number {
    char text[24];
};

static struct recovery_key key_of(const unsigned char *hash)
{
    struct recovery_key key = { PREFIX };

    hex_format(hash, RECORD_HASH_BYTES, key.text + sizeof PREFIX - 1);
    return key;
}

static struct number number_of(int64_t n)
{
    struct number number;

    snprintf(number.text, sizeof number.text, "%lld", (long long)n);
    return number;
}

void recovery_records_hash(struct str pid, unsigned char hash[RECORD_HASH_BYTES])
{
    SHA256((const unsigned char *)pid.at, pid.len, hash);
}

enum record_state recovery_records_state(const struct redisReply *reply)
{
    if (reply == NULL || reply->type != REDIS_REPLY_INTEGER) return RECORD_REDIS_AWAY;
    return reply->integer == 1 ? RECORD_DONE : reply->integer == 0 ? RECORD_TAKEN : RECORD_NONE;
}

struct str recovery_records_value(const struct redisReply *reply)
{
    bool is_one = reply != NULL && reply->type == REDIS_REPLY_STRING && reply->len > RECORD_OWNER_CHARS &&
                  (size_t)reply->len <= RECORD_VALUE_MAX;

    return is_one ? (struct str){ reply->str, (size_t)reply->len } : STR_NONE;
}

void recovery_records_read(struct redis *redis, const unsigned char *hash, redis_reply_fn *reply, void *arg)
{
    struct recovery_key key = key_of(hash);
    struct number last = number_of(RECORD_VALUE_MAX); /* one byte more than there may be */
    struct str words[] = { STR("GETRANGE"), str_of(key.text), STR("0"), str_of(last.text) };

    redis_command(redis, reply, arg, words, COUNT(words));
}

void recovery_records_write(struct redis *redis, const unsigned char *hash, const char *owner, struct str record,
    int64_t ttl_ms, redis_reply_fn *reply, void *arg)
{
    struct recovery_key key = key_of(hash);
    struct number ttl = number_of(ttl_ms);
    struct str words[] = { STR("EVAL"), str_of(write_script), STR("1"), str_of(key.text), str_of(owner), record,
        str_of(ttl.text) };

    redis_command(redis, reply, arg, words, COUNT(words));
}

void recovery_records_keep(
    struct redis *redis, const unsigned char *hash, const char *owner, int64_t ttl_ms, redis_reply_fn *reply, void *arg)
{
    struct recovery_key key = key_of(hash);
    struct number ttl = number_of(ttl_ms);
    struct str words[] = { STR("EVAL"), str_of(keep_script), STR("1"), str_of(key.text), str_of(owner),
        str_of(ttl.text) };

    redis_command(redis, reply, arg, words, COUNT(words));
}

void recovery_records_claim(struct redis *redis, const unsigned char *hash, struct str as_read, const char *owner,
    struct str record, int64_t ttl_ms, redis_reply_fn *reply, void *arg)
{
    struct recovery_key key = key_of(hash);
    struct number ttl = number_of(ttl_ms);
    struct str words[] = { STR("EVAL"), str_of(claim_script), STR("1"), str_of(key.text), as_read, str_of(owner),
        record, str_of(ttl.text) };

    redis_command(redis, reply, arg, words, COUNT(words));
}

void recovery_records_remove(struct redis *redis, const unsigned char *hash, const char *owner, int64_t ttl_ms)
{
    struct recovery_key key = key_of(hash);
    struct number ttl = number_of(ttl_ms);
    struct str words[] = { STR("EVAL"), str_of(remove_script), STR("1"), str_of(key.text), str_of(owner),
        str_of(ttl.text) };

    redis_command(redis, NULL, NULL, words, COUNT(words));
}

void recovery_records_announce(struct redis *redis, const unsigned char *hash, const char *owner)
{
    char text[HEX_CHARS + RECORD_OWNER_CHARS + 1];

    hex_format(hash, RECORD_HASH_BYTES, text);
    snprintf(text + HEX_CHARS, sizeof text - HEX_CHARS, "%s", owner);
    redis_command(redis, NULL, NULL, (struct str[]){ STR("PUBLISH"), CHANNEL, str_of(text) }, 3);
}

static void on_announced(void *arg, struct str channel, struct str bytes)
{
    const struct record_listener *listener = arg;
    unsigned char hash[RECORD_HASH_BYTES];

    (void)channel;
    if (bytes.len == HEX_CHARS + RECORD_OWNER_CHARS && hex_parse((struct str){ bytes.at, HEX_CHARS }, hash))
        listener->owner_changed(listener->arg, hash, str_skip(bytes, HEX_CHARS));
}

void recovery_records_listen(struct redis *redis, struct record_listener *listener)
{
    redis_subscribe(redis, CHANNEL, false, on_announced, listener);
}
