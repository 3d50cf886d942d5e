/* redis_link.h - one connection to Redis on the loop: opened, greeted, lost, opened again. */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ev.h>
#include <hiredis/async.h>

#include "libshared/base/str.h"

struct redis_url {
    char *host, *path, *user, *password; /* host or path; none of both: no Redis */
    int port, db;
};

/* Copies.  false: not a URL of ours. */
bool redis_url_parse(struct str text, struct redis_url *out);
void redis_url_free(struct redis_url *url);

struct redis_link {
    struct ev_loop *loop;
    const struct redis_url *url;
    const char *role;       /* for the log: commands or subscriptions */
    struct errand *resolve; /* while its address is asked for */
    redisAsyncContext *ac;
    bool up;           /* connected and greeted */
    size_t unfinished; /* bytes that came since the last whole reply, */
    size_t announced;  /* and elements of lists */
    bool closing;
    bool told;        /* the log knows that it is away */
    int64_t since_us; /* when the present attempt began */
    double delay_s;
    ev_timer retry;
    void (*ready)(struct redis_link *link, void *arg); /* after each connection; may be NULL */
    void *arg;
};

#define REDIS_REPLY_MAX    (64u << 20) /* bytes of one reply or message; over it the connection is given up */
#define REDIS_ELEMENTS_MAX 65536       /* of its lists, all together: the same */

void redis_link_open(struct redis_link *link);
void redis_link_replied(struct redis_link *link); /* a whole reply has come */
/* redis_reader.c: what hiredis would fall over ends the connection. */
void redis_reader_guard(struct redis_link *link);
/* Ends it: pending replies are NULL, and unless it is closed for good the next attempt is scheduled. */
void redis_link_drop(struct redis_link *link);
void redis_link_close(struct redis_link *link);
