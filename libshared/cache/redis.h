/*
 * redis.h - Redis on the loop, which may be absent: every answer may be "don't know".
 *
 * Commands are never queued for a server that is away: they fail at once, and the connection is tried again in the
 * background.  Nothing that must not be lost goes here.  Nor is Redis trusted: whoever asks for what another may have
 * written asks for no more than it can be (GETRANGE), and takes what comes as input from outside.
 */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/base/str.h"
#include "libshared/base/err.h"

struct ev_loop;
struct redis;
struct redisReply;

struct redis *redis_create(
    struct ev_loop *loop, const char *url); /* redis://[user:password@]host:port/db, unix:///path; "" : none */
void redis_destroy(struct redis **redis);
bool redis_is_up(const struct redis *redis);
/* reply is NULL when Redis is away, hangs or failed; else hiredis' own, valid during the call.  Called exactly once, by
 * redis_command itself if it cannot send.  The function may be NULL.  At most 64 words. */
typedef void redis_reply_fn(void *arg, const struct redisReply *reply);
void redis_command(struct redis *redis, redis_reply_fn *reply, void *arg, const struct str *words, size_t n);
/* A second connection for publish/subscribe; `message(arg, channel, bytes)`.  Subscribed again after each reconnection. */
void redis_subscribe(struct redis *redis, struct str channel, bool is_pattern,
    void (*message)(void *arg, struct str channel, struct str bytes), void *arg);
