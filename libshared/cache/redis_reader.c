/*
 * redis_reader.c - what hiredis must not meet: lists for which it would make room without a bound, and replies of which its
 * assertions say that Redis does not send them.  An element that is not made ends the connection.
 */
// SPDX-License-Identifier: Apache-2.0
#include <hiredis/hiredis.h>

#include "libshared/base/err.h"
#include "libshared/base/log.h"
#include "libshared/cache/redis_link.h"

#define MESSAGE_ELEMENTS_MIN 3 /* what happened, on which channel, and what */

static redisReplyObjectFunctions plain, guarded;

static const redisAsyncContext *context_of(const redisReadTask *task)
{
    return ((const struct redis_link *)task->privdata)->ac;
}

/* Nobody waits for an answer, so what comes are messages. */
static bool is_message(const redisReadTask *task)
{
    const redisAsyncContext *ac = context_of(task);

    return ac != NULL && ac->replies.head == NULL && (ac->c.flags & REDIS_SUBSCRIBED) != 0;
}

/* An error without a question is how a server says that it has too many connections. */
static bool may_begin(const redisReadTask *task)
{
    const redisAsyncContext *ac = context_of(task);

    return ac != NULL && (ac->replies.head != NULL || is_message(task) || task->type == REDIS_REPLY_ERROR);
}

/* A message's first two elements are texts. */
static bool has_to_be_text(const redisReadTask *task)
{
    return task->parent != NULL && task->parent->parent == NULL && task->idx <= 1 && is_message(task);
}

static bool is_expected(const redisReadTask *task)
{
    if (task->parent == NULL) return may_begin(task);
    return task->type == REDIS_REPLY_STRING || !has_to_be_text(task);
}

static bool is_known(struct str what)
{
    static const char *const all[] = { "message", "pmessage", "subscribe", "psubscribe" };

    for (size_t i = 0; i < COUNT(all); i++)
        if (str_is(what, all[i])) return true;
    return false;
}

static void *create_string(const redisReadTask *task, char *at, size_t len)
{
    bool names = has_to_be_text(task) && task->idx == 0;

    if (!is_expected(task) || (names && !is_known((struct str){ at, len }))) return NULL;
    return plain.createString(task, at, len);
}

static void *create_integer(const redisReadTask *task, long long n)
{
    return is_expected(task) ? plain.createInteger(task, n) : NULL;
}

/* A text that is none has the type of one. */
static void *create_nil(const redisReadTask *task)
{
    return is_expected(task) && !has_to_be_text(task) ? plain.createNil(task) : NULL;
}

static void *create_array(const redisReadTask *task, int elements)
{
    struct redis_link *link = task->privdata;
    bool is_short = task->parent == NULL && elements < MESSAGE_ELEMENTS_MIN && is_message(task);

    if (!is_expected(task) || is_short) return NULL;
    link->announced += (size_t)elements;
    if (link->announced <= REDIS_ELEMENTS_MAX) return plain.createArray(task, elements);
    LOG(ERROR, "redis.reply_too_large", F_TEXT("link", link->role), F_INT("max_elements", REDIS_ELEMENTS_MAX));
    return NULL;
}

/* hiredis' own functions are the same for every reader. */
void redis_reader_guard(struct redis_link *link)
{
    redisReader *reader = link->ac->c.reader;

    plain = *reader->fn;
    guarded = (redisReplyObjectFunctions){ create_string, create_array, create_integer, create_nil, plain.freeObject };
    reader->fn = &guarded;
    reader->privdata = link;
}
