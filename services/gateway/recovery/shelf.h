/*
 * shelf.h - records in Redis, each owned by the one connection that may change it.
 *
 *      madang:recovery:<SHA-256 of the pid>  =  owner, 20 characters, and the record (record.h); the owner alone: taken away
 *
 * Each change is a script, so that it is one step for all gateways: of two connections that bring the same pid, one
 * gets it, and the one that had it before finds out at its next change, or by what shelf_announce says.
 */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/cache/redis.h"
#include "services/gateway/recovery/record.h"

#define SHELF_OWNER_CHARS 20
#define SHELF_HASH_BYTES  RECORD_HASH_BYTES

enum shelf_answer {
    SHELF_AWAY,  /* Redis is */
    SHELF_NONE,  /* there is no record */
    SHELF_TAKEN, /* another connection has it */
    SHELF_DONE
};
/* What the reply to one of these means. */
enum shelf_answer shelf_answer(const struct redisReply *reply);
/* The reply to shelf_read: owner and record; STR_NONE: there is none, or it is larger than any. */
struct str shelf_value(const struct redisReply *reply);

#define SHELF_VALUE_MAX (SHELF_OWNER_CHARS + RECORD_BYTES_MAX)
void shelf_hash(struct str pid, unsigned char hash[SHELF_HASH_BYTES]);
void shelf_read(struct redis *redis, const unsigned char *hash, redis_reply_fn *reply, void *arg);
/* Mine, or nobody's: then it is made. */
void shelf_write(struct redis *redis, const unsigned char *hash, const char *owner, struct str record, int64_t ttl_ms,
    redis_reply_fn *reply, void *arg);
void shelf_keep(struct redis *redis, const unsigned char *hash, const char *owner, int64_t ttl_ms,
    redis_reply_fn *reply, void *arg);
/* Only if it is still as it was read. */
void shelf_claim(struct redis *redis, const unsigned char *hash, struct str as_read, const char *owner,
    struct str record, int64_t ttl_ms, redis_reply_fn *reply, void *arg);
void shelf_remove(struct redis *redis, const unsigned char *hash, const char *owner, int64_t ttl_ms);

/* For sockets with a log of their own (rerun.h): so many entries, the newest. */
#define SHELF_LOG_MAX 1000
void shelf_log(struct redis *redis, const unsigned char *hash, struct str entry, int64_t ttl_ms);
void shelf_keep_log(struct redis *redis, const unsigned char *hash, int64_t ttl_ms);
void shelf_read_log(struct redis *redis, const unsigned char *hash, redis_reply_fn *reply, void *arg); /* an array */

/* To all gateways: this one has a new owner. */
void shelf_announce(struct redis *redis, const unsigned char *hash, const char *owner);
typedef void shelf_heard_fn(void *arg, const unsigned char *hash, struct str owner);
struct shelf_ear {
    shelf_heard_fn *heard;
    void *arg;
};
void shelf_listen(struct redis *redis, struct shelf_ear *ear); /* kept by reference */
