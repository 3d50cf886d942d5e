/* grants.c - who may act in which room, remembered from chat's answers. */
// SPDX-License-Identifier: Apache-2.0
#include "services/store/grants.h"

#include <assert.h>
#include <string.h>
#include <utlist.h>

#include "libshared/base/table.h"

#define SUBJECT_BYTES (128 * 4) /* 128 characters of up to four bytes */

struct question {
    struct question *prev, *next;
    bool is_early; /* it waited already when chat was asked */
    grants_fn *answer;
    void *arg;
};

struct key {
    struct id room;
    char subject[SUBJECT_BYTES];
};

struct grant {
    UT_hash_handle hh;
    struct grant *prev, *next; /* in `known`, asked for longest ago first */
    bool is_known;             /* a member; false: asked of chat, and not in `known` */
    bool is_watched;           /* asked while every change was heard, of the epoch */
    unsigned epoch;
    struct question *questions;
    size_t key_len;
    char key[]; /* the room's id, then the subject */
};

struct grants {
    struct grant *all, *known;
    size_t n_known, max;
    bool watching;
    unsigned epoch; /* how often changes may have been missed */
    grants_send_fn *send;
    void *arg;
};

struct grants *grants_create(size_t max, grants_send_fn *send, void *arg)
{
    struct grants *grants = mem_zero(sizeof *grants);

    grants->max = max;
    grants->send = send;
    grants->arg = arg;
    return grants;
}

static void forget(struct grants *grants, struct grant *grant)
{
    if (grant->is_known) {
        DL_DELETE(grants->known, grant);
        grants->n_known--;
    }
    HASH_DEL(grants->all, grant);
    mem_free(grant);
}

/* A no may be older than a question that came after it was asked for: its sender may have heard since that he is a member. */
static void answer_those(struct grant *grant, enum err e, bool is_member)
{
    struct question *q;

    while ((q = grant->questions) != NULL && (q->is_early || is_member || e != OK)) {
        DL_DELETE(grant->questions, q);
        q->answer(q->arg, e, is_member);
        mem_free(q);
    }
}

static void free_questions(struct grant *grant)
{
    struct question *q, *next;

    DL_FOREACH_SAFE(grant->questions, q, next)
    mem_free(q);
    grant->questions = NULL;
}

void grants_destroy(struct grants **grants)
{
    struct grant *grant, *next;

    if (*grants == NULL) return;
    HASH_ITER(hh, (*grants)->all, grant, next)
    {
        free_questions(grant);
        forget(*grants, grant);
    }
    mem_free(*grants);
    *grants = NULL;
}

static size_t make_key(struct key *key, struct id room, struct str subject)
{
    assert(subject.len <= SUBJECT_BYTES);
    key->room = room;
    memcpy(key->subject, subject.at, subject.len);
    return sizeof room + subject.len;
}

static struct grant *find(struct grants *grants, struct id room, struct str subject)
{
    struct key key;
    struct grant *grant;
    size_t len = make_key(&key, room, subject);

    HASH_FIND(hh, grants->all, &key, len, grant);
    return grant;
}

static struct grant *add(struct grants *grants, struct id room, struct str subject)
{
    struct key key;
    size_t len = make_key(&key, room, subject);
    struct grant *grant = mem_zero(sizeof *grant + len);

    memcpy(grant->key, &key, len);
    grant->key_len = len;
    HASH_ADD_KEYPTR(hh, grants->all, grant->key, len, grant);
    return grant;
}

static void wait_for(struct grant *grant, grants_fn *answer, void *arg)
{
    struct question *q = mem_zero(sizeof *q);

    q->answer = answer;
    q->arg = arg;
    DL_APPEND(grant->questions, q);
}

static void ask_chat(struct grants *grants, struct grant *grant)
{
    struct access_query query = { .subject = { grant->key + sizeof query.room, grant->key_len - sizeof query.room } };
    struct question *q;

    memcpy(&query.room, grant->key, sizeof query.room);
    grant->is_watched = grants->watching;
    grant->epoch = grants->epoch;
    DL_FOREACH(grant->questions, q) q->is_early = true;
    grants->send(grants->arg, &query, grant);
}

void grants_ask(struct grants *grants, struct id room, struct str subject, grants_fn *answer, void *arg)
{
    struct grant *grant = find(grants, room, subject);

    if (grant != NULL && grant->is_known) {
        DL_DELETE(grants->known, grant);
        DL_APPEND(grants->known, grant);
        answer(arg, OK, true);
        return;
    }
    bool is_first = grant == NULL;
    if (is_first) grant = add(grants, room, subject);
    wait_for(grant, answer, arg);
    if (is_first) ask_chat(grants, grant);
}

static void remember(struct grants *grants, struct grant *grant)
{
    grant->is_known = true;
    DL_APPEND(grants->known, grant);
    if (++grants->n_known > grants->max) forget(grants, grants->known);
}

void grants_answer(struct grants *grants, void *token, enum err e, bool is_member)
{
    struct grant *grant = token;

    answer_those(grant, e, is_member);
    if (grant->questions != NULL)
        ask_chat(grants, grant);
    else if (e == OK && is_member && grant->is_watched && grant->epoch == grants->epoch)
        remember(grants, grant);
    else
        forget(grants, grant);
}

void grants_watched(struct grants *grants)
{
    grants->watching = true;
}

void grants_lost(struct grants *grants)
{
    grants->watching = false;
    grants->epoch++;
    while (grants->known != NULL) forget(grants, grants->known);
}

static void forget_room(struct grants *grants, struct id room)
{
    struct grant *grant, *next;

    DL_FOREACH_SAFE(grants->known, grant, next)
    if (memcmp(grant->key, &room, sizeof room) == 0) forget(grants, grant);
}

void grants_changed(struct grants *grants, struct id room, struct str subject)
{
    if (subject.len == 0) {
        forget_room(grants, room);
        return;
    }
    struct grant *grant = find(grants, room, subject);
    if (grant != NULL && grant->is_known) forget(grants, grant);
}

size_t grants_remembered(const struct grants *grants)
{
    return grants->n_known;
}
