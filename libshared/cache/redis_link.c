/* redis_link.c - one connection to Redis, tried again with growing pauses. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/cache/redis_link.h"

#include <sys/ioctl.h>

#include "libshared/base/clock.h"
#include "libshared/base/errand.h"
#include "libshared/base/log.h"
#include "libshared/base/resolve.h"

#define FIRST_DELAY_S 0.1
#define MOST_DELAY_S  2.0
#define READ_BYTES    16384 /* hiredis reads so many at once */

static void try_again_later(struct redis_link *link)
{
    if (link->closing) return;
    ev_timer_stop(link->loop, &link->retry);
    ev_timer_set(&link->retry, link->delay_s, 0);
    ev_timer_start(link->loop, &link->retry);
    link->delay_s = link->delay_s * 2 < MOST_DELAY_S ? link->delay_s * 2 : MOST_DELAY_S;
}

/* hiredis frees the context itself after this. */
static void lose_connection(struct redis_link *link, const char *why)
{
    link->ac = NULL;
    link->up = false;
    if (!link->told && !link->closing) LOG(WARN, "redis.away", F_TEXT("link", link->role), F_TEXT("why", why));
    link->told = true;
    try_again_later(link);
}

static void on_disconnect(const redisAsyncContext *ac, int status)
{
    lose_connection(ac->data, status == REDIS_OK ? "disconnected" : ac->errstr);
}

/* A refused AUTH or SELECT makes the connection useless. */
static void on_greeted(redisAsyncContext *ac, void *reply, void *arg)
{
    const redisReply *r = reply;
    struct redis_link *link = arg;

    redis_link_replied(link);
    if (r == NULL || r->type != REDIS_REPLY_ERROR) return;
    LOG(ERROR, "redis.refused", F_TEXT("link", link->role), F_TEXT("why", r->str));
    link->up = false;
    link->delay_s = MOST_DELAY_S; /* a password does not become right by asking often */
    redisAsyncFree(ac);
}

static void greet_server(struct redis_link *link)
{
    const struct redis_url *url = link->url;

    if (url->password != NULL && url->user != NULL)
        redisAsyncCommand(link->ac, on_greeted, link, "AUTH %s %s", url->user, url->password);
    else if (url->password != NULL)
        redisAsyncCommand(link->ac, on_greeted, link, "AUTH %s", url->password);
    if (url->db != 0) redisAsyncCommand(link->ac, on_greeted, link, "SELECT %d", url->db);
}

static void on_connect(const redisAsyncContext *ac, int status)
{
    struct redis_link *link = ac->data;

    if (status != REDIS_OK) {
        lose_connection(link, ac->errstr);
        return;
    }
    LOG(INFO, "redis.up", F_TEXT("link", link->role));
    link->up = true;
    link->told = false;
    link->delay_s = FIRST_DELAY_S;
    greet_server(link);
    if (link->ready != NULL) link->ready(link, link->arg);
}

/* hiredis' adapter is a header of static functions: this is the one file that includes it. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-function"
#include <hiredis/adapters/libev.h>
#pragma GCC diagnostic pop

void redis_link_replied(struct redis_link *link)
{
    link->unfinished = link->announced = 0;
}

/* hiredis has no bound for what it collects: what has come is counted, about, until it makes a whole reply. */
static void on_readable(struct ev_loop *loop, ev_io *io, int events)
{
    const redisLibevEvents *adapter = io->data;
    redisAsyncContext *ac = adapter->context;
    struct redis_link *link = ac->data;
    int bytes = 0;

    (void)loop, (void)events;
    if (ioctl(ac->c.fd, FIONREAD, &bytes) == 0) link->unfinished += bytes < READ_BYTES ? (size_t)bytes : READ_BYTES;
    if (link->unfinished <= REDIS_REPLY_MAX) {
        redisAsyncHandleRead(ac);
        return;
    }
    LOG(ERROR, "redis.reply_too_large", F_TEXT("link", link->role), F_INT("max", REDIS_REPLY_MAX));
    redis_link_drop(link);
}

static void watch_context(struct redis_link *link, redisAsyncContext *ac)
{
    if (ac == NULL || ac->err != 0) {
        lose_connection(link, ac ? ac->errstr : "out of memory");
        if (ac != NULL) redisAsyncFree(ac);
        return;
    }
    link->since_us = clock_mono_us();
    link->ac = ac;
    ac->data = link;
    if (link->url->path == NULL) redisEnableKeepAlive(&ac->c); /* on a Unix socket it fails, and the failure sticks */
    redisLibevAttach(link->loop, ac);
    ev_set_cb(&((redisLibevEvents *)ac->ev.data)->rev, on_readable);
    redis_reader_guard(link);
    redis_link_replied(link);
    redisAsyncSetDisconnectCallback(ac, on_disconnect);
    redisAsyncSetConnectCallback(ac, on_connect);
    if (ac->c.flags & REDIS_CONNECTED) /* a Unix socket connects at once, and hiredis 0.14 does not say so */
        on_connect(ac, REDIS_OK);
}

static void on_found(void *arg, const char *address, const char *why)
{
    struct redis_link *link = arg;

    if (address != NULL)
        watch_context(link, redisAsyncConnect(address, link->url->port));
    else
        lose_connection(link, why);
    errand_end(&link->resolve);
}

/* hiredis would resolve a name on the loop.  Each attempt asks anew: a server may come back at another address. */
static void try_to_connect(struct redis_link *link)
{
    if (link->url->path != NULL)
        watch_context(link, redisAsyncConnectUnix(link->url->path));
    else if ((link->resolve = resolve_begin(link->loop, link->url->host, on_found, link)) == NULL)
        lose_connection(link, "no_thread");
}

static void on_retry(struct ev_loop *loop, ev_timer *timer, int events)
{
    (void)loop;
    (void)events;
    try_to_connect(timer->data);
}

void redis_link_open(struct redis_link *link)
{
    link->delay_s = FIRST_DELAY_S;
    ev_timer_init(&link->retry, on_retry, 0, 0);
    link->retry.data = link;
    try_to_connect(link);
}

void redis_link_drop(struct redis_link *link)
{
    redisAsyncContext *ac = link->ac;

    if (ac == NULL) return;
    link->up = false;
    redisAsyncFree(ac); /* calls on_disconnect only if it was connected */
    if (link->ac == ac) lose_connection(link, "no_answer");
}

void redis_link_close(struct redis_link *link)
{
    link->closing = true;
    ev_timer_stop(link->loop, &link->retry);
    errand_end(&link->resolve);
    redis_link_drop(link);
}
