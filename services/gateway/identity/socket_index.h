/*
 * socket_index.h - from a subject, a key, a session or a policy to the sockets that stand on its tokens.
 *
 *      subject --+
 *      key ------+--> tokens (struct bearer) --> sockets of each
 *      session --+
 *      policy ---+
 *
 * A token is listed as long as anybody remembers it.  So what changes for one of them touches its sockets, and no other.
 */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "libshared/base/str.h"

enum index_by { INDEX_SUBJECT, INDEX_KEY, INDEX_SESSION, INDEX_POLICY, INDEX_COUNT };

struct bearer;

/* A token in the lists, embedded in it. */
struct index_token {
    struct index_link {
        struct index_token *next, **here; /* here NULL: in none, as it has no such name */
        unsigned hash;
    } link[INDEX_COUNT];
    struct str name[INDEX_COUNT];
    struct index_socket *sockets;
};
/* A socket of a token, embedded in its owner. */
struct index_socket {
    struct index_socket *next, **here; /* here NULL: of no token */
};

struct socket_index {
    struct index_token **buckets[INDEX_COUNT];
    size_t n_buckets, n; /* tokens */
    size_t steps;        /* since all of it was checked: see invariant.h */
};

void socket_index_free(struct socket_index *index);                              /* with no token in it */
void socket_index_add(struct socket_index *index, struct index_token *token);    /* its names are set */
void socket_index_remove(struct socket_index *index, struct index_token *token); /* it has no sockets */
void index_socket_add(struct index_token *token, struct index_socket *socket);
void index_socket_remove(struct index_socket *socket); /* noop if it is of no token */
/* The sockets of all its tokens.  `visit` may not change the index. */
void socket_index_each(const struct socket_index *index, enum index_by by, struct str name,
    void (*visit)(void *arg, struct index_socket *socket), void *arg);
void socket_index_check(const struct socket_index *index); /* all of it: see invariant.h */
