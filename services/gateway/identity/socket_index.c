/* socket_index.c - from a subject, a key, a session or a policy to sockets. */
// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/identity/socket_index.h"

#include <assert.h>

#include "libshared/base/arena.h"
#include "libshared/base/invariant.h"
#include "libshared/base/table.h"

#define BUCKETS_FIRST 64

static struct index_token **bucket_of(const struct socket_index *index, enum index_by by, unsigned hash)
{
    return &index->buckets[by][hash & (index->n_buckets - 1)];
}

/* --- what is true of it between two steps --- */

static void socket_list_check(const struct index_token *token)
{
    for (struct index_socket *const *s = &token->sockets; *s != NULL; s = &(*s)->next) assert((*s)->here == s);
}

static void link_check(const struct socket_index *index, enum index_by by, const struct index_token *token)
{
    const struct index_link *link = &token->link[by];

    assert((link->here != NULL) == (token->name[by].len > 0));
    if (link->here == NULL) return;
    assert(*link->here == token && link->hash == table_hash(token->name[by].at, token->name[by].len));
    assert(link->next == NULL || link->next->link[by].here == &link->next);
    for (const struct index_token *other = *bucket_of(index, by, link->hash); other != token;
         other = other->link[by].next)
        assert(other != NULL);
}

/* A token that has just been listed. */
static void token_check(const struct socket_index *index, const struct index_token *token)
{
    for (int by = 0; by < INDEX_COUNT; by++) link_check(index, (enum index_by)by, token);
    socket_list_check(token);
}

static void socket_check(const struct index_socket *socket)
{
    assert(*socket->here == socket && (socket->next == NULL || socket->next->here == &socket->next));
}

static size_t check_bucket(const struct socket_index *index, enum index_by by, size_t bucket)
{
    struct index_token *const *here = &index->buckets[by][bucket];
    size_t n = 0;

    for (; *here != NULL; here = &(*here)->link[by].next, n++) {
        const struct index_token *token = *here;
        assert(token->link[by].here == here &&
               token->link[by].hash == table_hash(token->name[by].at, token->name[by].len));
        assert((token->link[by].hash & (index->n_buckets - 1)) == bucket);
        socket_list_check(token);
    }
    return n;
}

void socket_index_check(const struct socket_index *index)
{
    assert(index->n_buckets == 0 || (index->n_buckets & (index->n_buckets - 1)) == 0);
    assert(index->n <= index->n_buckets);
    for (int by = 0; by < INDEX_COUNT; by++) {
        size_t n = 0;
        for (size_t i = 0; i < index->n_buckets; i++) n += check_bucket(index, (enum index_by)by, i);
        assert(by == INDEX_SUBJECT ? n == index->n : n <= index->n);
    }
}

static void all_check(struct socket_index *index)
{
    if (walk_is_due(&index->steps, index->n_buckets)) socket_index_check(index);
}

/* --- its steps --- */

static void link_in(struct socket_index *index, enum index_by by, struct index_token *token)
{
    struct index_link *link = &token->link[by];

    link->here = bucket_of(index, by, link->hash);
    link->next = *link->here;
    if (link->next != NULL) link->next->link[by].here = &link->next;
    *link->here = token;
}

static void link_out(enum index_by by, struct index_token *token)
{
    struct index_link *link = &token->link[by];

    if (link->here == NULL) return;
    *link->here = link->next;
    if (link->next != NULL) link->next->link[by].here = link->here;
    link->here = NULL;
}

/* Twice the buckets; the tokens of each list go to two. */
static void grow_list(struct socket_index *index, enum index_by by, size_t was)
{
    struct index_token **old = index->buckets[by];

    index->buckets[by] = mem_zero(index->n_buckets * sizeof **index->buckets);
    for (size_t i = 0; i < was; i++) {
        struct index_token *next;
        for (struct index_token *token = old[i]; token != NULL; token = next) {
            next = token->link[by].next;
            link_in(index, by, token);
        }
    }
    mem_free(old);
}

static void grow_index(struct socket_index *index)
{
    size_t was = index->n_buckets;

    if (index->n < was) return;
    index->n_buckets = was > 0 ? was * 2 : BUCKETS_FIRST;
    for (int by = 0; by < INDEX_COUNT; by++) grow_list(index, (enum index_by)by, was);
}

void socket_index_free(struct socket_index *index)
{
    assert(index->n == 0);
    for (int by = 0; by < INDEX_COUNT; by++) mem_free(index->buckets[by]);
    *index = (struct socket_index){ .n = 0 };
}

void socket_index_add(struct socket_index *index, struct index_token *token)
{
    grow_index(index);
    index->n++;
    for (int by = 0; by < INDEX_COUNT; by++) {
        if (token->name[by].len == 0) continue;
        token->link[by].hash = table_hash(token->name[by].at, token->name[by].len);
        link_in(index, (enum index_by)by, token);
    }
    CHECK_STEP(token_check(index, token); all_check(index));
}

void socket_index_remove(struct socket_index *index, struct index_token *token)
{
    assert(token->sockets == NULL && index->n > 0);
    index->n--;
    for (int by = 0; by < INDEX_COUNT; by++) link_out((enum index_by)by, token);
    CHECK_STEP(all_check(index));
}

void index_socket_add(struct index_token *token, struct index_socket *socket)
{
    assert(socket->here == NULL);
    socket->here = &token->sockets;
    socket->next = token->sockets;
    if (socket->next != NULL) socket->next->here = &socket->next;
    token->sockets = socket;
    CHECK_STEP(socket_check(socket));
}

void index_socket_remove(struct index_socket *socket)
{
    if (socket->here == NULL) return;
    *socket->here = socket->next;
    if (socket->next != NULL) socket->next->here = socket->here;
    CHECK_STEP(if (socket->next != NULL) socket_check(socket->next));
    socket->here = NULL;
}

void socket_index_each(const struct socket_index *index, enum index_by by, struct str name,
    void (*visit)(void *arg, struct index_socket *socket), void *arg)
{
    if (index->n == 0 || name.len == 0) return;
    unsigned hash = table_hash(name.at, name.len);
    for (struct index_token *token = *bucket_of(index, by, hash); token != NULL; token = token->link[by].next) {
        if (token->link[by].hash != hash || !str_eq(token->name[by], name)) continue;
        CHECK_STEP(token_check(index, token));
        for (struct index_socket *socket = token->sockets; socket != NULL; socket = socket->next) visit(arg, socket);
    }
}
