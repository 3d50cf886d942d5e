/* redis.c - commands and subscriptions over two links; a server that does not answer counts as away. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/cache/redis.h"

#include <assert.h>
#include <stdlib.h>

#include "libshared/base/arena.h"
#include "libshared/base/clock.h"
#include "libshared/base/log.h"
#include "libshared/base/turn.h"
#include "libshared/cache/redis_link.h"

#define PENDING_MAX       10000
#define SUBSCRIPTIONS_MAX 256
#define WORDS_MAX         64
#define WATCH_S           0.5
#define PATIENCE_US       2000000

struct redis_subscription {
    struct redis *redis;
    char *channel;
    size_t len;
    bool is_pattern;
    void (*message)(void *arg, struct str channel, struct str bytes);
    void *arg;
};

struct redis {
    struct redis_url url;
    struct redis_link commands, subscriptions;
    ev_timer watch;
    size_t pending;
    int64_t heard_us; /* the last sign of life, or the first command without one */
    struct redis_subscription *subs[SUBSCRIPTIONS_MAX];
    size_t n_subs;
};

struct pending {
    struct redis *redis;
    redis_reply_fn *reply;
    void *arg;
};

static bool is_configured(const struct redis *redis)
{
    return redis->url.host != NULL || redis->url.path != NULL;
}

bool redis_is_up(const struct redis *redis)
{
    return redis->commands.up;
}

static void on_reply(redisAsyncContext *ac, void *reply, void *arg)
{
    struct pending *p = arg;

    (void)ac;
    assert(p->redis->pending > 0);
    p->redis->pending--;
    redis_link_replied(&p->redis->commands);
    p->redis->heard_us = clock_mono_us();
    struct turn_span span = turn_enter();
    if (p->reply != NULL) p->reply(p->arg, reply);
    turn_leave(span, STR("redis_reply"));
    mem_free(p);
}

static bool send_words(struct redis *redis, struct pending *p, const struct str *words, size_t n)
{
    const char *at[WORDS_MAX];
    size_t lens[WORDS_MAX];

    assert(n <= WORDS_MAX);
    for (size_t i = 0; i < n; i++) {
        at[i] = words[i].at;
        lens[i] = words[i].len;
    }
    return redisAsyncCommandArgv(redis->commands.ac, on_reply, p, (int)n, at, lens) == REDIS_OK;
}

void redis_command(struct redis *redis, redis_reply_fn *reply, void *arg, const struct str *words, size_t n)
{
    if (redis->commands.up && redis->pending < PENDING_MAX) {
        struct pending *p = mem_alloc(sizeof *p);
        *p = (struct pending){ redis, reply, arg };
        if (send_words(redis, p, words, n)) {
            if (redis->pending++ == 0) redis->heard_us = clock_mono_us();
            return;
        }
        mem_free(p);
    }
    if (reply != NULL) reply(arg, NULL);
}

/* ["message", channel, bytes] or ["pmessage", pattern, channel, bytes]; confirmations have a number at the end. */
static void on_message(redisAsyncContext *ac, void *reply, void *arg)
{
    const redisReply *r = reply;
    const struct redis_subscription *sub = arg;

    (void)ac;
    redis_link_replied(&sub->redis->subscriptions);
    if (r == NULL || r->type != REDIS_REPLY_ARRAY || r->elements < 3) return;
    const redisReply *channel = r->element[r->elements - 2], *bytes = r->element[r->elements - 1];
    if (channel->type != REDIS_REPLY_STRING || bytes->type != REDIS_REPLY_STRING) return;
    struct turn_span span = turn_enter();
    sub->message(
        sub->arg, (struct str){ channel->str, (size_t)channel->len }, (struct str){ bytes->str, (size_t)bytes->len });
    turn_leave(span, STR("redis_message"));
}

static void send_subscription(struct redis_subscription *sub)
{
    const char *words[] = { sub->is_pattern ? "PSUBSCRIBE" : "SUBSCRIBE", sub->channel };
    size_t lens[] = { sub->is_pattern ? 10 : 9, sub->len };

    redisAsyncCommandArgv(sub->redis->subscriptions.ac, on_message, sub, 2, words, lens);
}

static void subscribe_again(struct redis_link *link, void *arg)
{
    struct redis *redis = arg;

    (void)link;
    for (size_t i = 0; i < redis->n_subs; i++) send_subscription(redis->subs[i]);
}

void redis_subscribe(struct redis *redis, struct str channel, bool is_pattern,
    void (*message)(void *arg, struct str channel, struct str bytes), void *arg)
{
    struct redis_subscription *sub = mem_alloc(sizeof *sub);

    assert(redis->n_subs < SUBSCRIPTIONS_MAX);
    *sub = (struct redis_subscription){ redis, mem_alloc(channel.len + 1), channel.len, is_pattern, message, arg };
    for (size_t i = 0; i < channel.len; i++) sub->channel[i] = channel.at[i];
    redis->subs[redis->n_subs++] = sub;
    if (redis->subscriptions.up)
        send_subscription(sub);
    else if (redis->n_subs == 1 && is_configured(redis))
        redis_link_open(&redis->subscriptions);
}

static bool is_stuck(const struct redis_link *link, int64_t now)
{
    return link->ac != NULL && !link->up && now - link->since_us > PATIENCE_US;
}

/* A server that hangs keeps its connections open: ask it something now and then, and leave when nothing comes. */
static void on_watch(struct ev_loop *loop, ev_timer *timer, int events)
{
    struct redis *redis = timer->data;
    int64_t now = clock_mono_us();
    bool hangs = redis->pending > 0 && now - redis->heard_us > PATIENCE_US;

    (void)loop;
    (void)events;
    if (hangs || is_stuck(&redis->commands, now)) redis_link_drop(&redis->commands);
    if (hangs || is_stuck(&redis->subscriptions, now)) redis_link_drop(&redis->subscriptions);
    if (redis->commands.up && redis->pending == 0) redis_command(redis, NULL, NULL, &STR("PING"), 1);
}

static void init_link(struct redis *redis, struct redis_link *link, struct ev_loop *loop, const char *role)
{
    link->loop = loop;
    link->url = &redis->url;
    link->role = role;
    link->arg = redis;
}

struct redis *redis_create(struct ev_loop *loop, const char *url)
{
    struct redis *redis = mem_zero(sizeof *redis);

    if (!redis_url_parse(str_of(url), &redis->url)) {
        LOG(ERROR, "redis.bad_url", F_TEXT("want", "redis://[user:password@]host[:port][/db] or unix:///path"));
        exit(2);
    }
    init_link(redis, &redis->commands, loop, "commands");
    init_link(redis, &redis->subscriptions, loop, "subscriptions");
    redis->subscriptions.ready = subscribe_again;
    if (is_configured(redis)) {
        redis_link_open(&redis->commands);
        ev_timer_init(&redis->watch, on_watch, WATCH_S, WATCH_S);
        redis->watch.data = redis;
        ev_timer_start(loop, &redis->watch);
    }
    return redis;
}

void redis_destroy(struct redis **redis)
{
    struct redis *r = *redis;

    if (r == NULL) return;
    if (is_configured(r)) {
        ev_timer_stop(r->commands.loop, &r->watch);
        redis_link_close(&r->commands);
        redis_link_close(&r->subscriptions);
    }
    for (size_t i = 0; i < r->n_subs; i++) {
        mem_free(r->subs[i]->channel);
        mem_free(r->subs[i]);
    }
    redis_url_free(&r->url);
    mem_free(r);
    *redis = NULL;
}
