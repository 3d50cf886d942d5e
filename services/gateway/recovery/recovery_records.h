/*
 * recovery_records.h - records in Redis, each owned by the one connection that may change it.
 *
 *      madang:recovery:<SHA-256 of the pid>  =  owner, 20 characters, and the record (record.h); the owner alone: taken away
 *
 * Each change is a script, so that it is one step for all gateways: of two connections that bring the same pid, one
 * gets it, and the one that had it before finds out at its next change, or by what recovery_records_announce says.
 */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/cache/redis.h"
#include "services/gateway/recovery/record.h"

#define RECORD_OWNER_CHARS 20

enum record_state {
    RECORD_REDIS_AWAY, /* Redis is */
    RECORD_NONE,       /* there is no record */
    RECORD_TAKEN,      /* another connection has it */
    RECORD_DONE
};
/* What the reply to one of these means. */
enum record_state recovery_records_state(const struct redisReply *reply);
/* The reply to recovery_records_read: owner and record; STR_NONE: there is none, or it is larger than any. */
struct str recovery_records_value(const struct redisReply *reply);

#define RECORD_VALUE_MAX (RECORD_OWNER_CHARS + RECORD_BYTES_MAX)
void recovery_records_hash(struct str pid, unsigned char hash[RECORD_HASH_BYTES]);
void recovery_records_read(struct redis *redis, const unsigned char *hash, redis_reply_fn *reply, void *arg);
/* Mine, or nobody's: then it is made. */
void recovery_records_write(struct redis *redis, const unsigned char *hash, const char *owner, struct str record,
    int64_t ttl_ms, redis_reply_fn *reply, void *arg);
void recovery_records_keep(struct redis *redis, const unsigned char *hash, const char *owner, int64_t ttl_ms,
    redis_reply_fn *reply, void *arg);
/* Only if it is still as it was read. */
void recovery_records_claim(struct redis *redis, const unsigned char *hash, struct str as_read, const char *owner,
    struct str record, int64_t ttl_ms, redis_reply_fn *reply, void *arg);
void recovery_records_remove(struct redis *redis, const unsigned char *hash, const char *owner, int64_t ttl_ms);

/* To all gateways: this one has a new owner. */
void recovery_records_announce(struct redis *redis, const unsigned char *hash, const char *owner);
typedef void record_owner_fn(void *arg, const unsigned char *hash, struct str owner);
struct record_listener {
    record_owner_fn *owner_changed;
    void *arg;
};
void recovery_records_listen(struct redis *redis, struct record_listener *listener); /* kept by reference */
