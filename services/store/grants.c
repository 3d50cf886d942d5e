/* grants.c - who may act in which room, remembered from chat's answers. */
// SPDX-License-Identifier: Apache-2.0
#include "services/store/grants.h"

#include <assert.h>
#include <string.h>

#include "libshared/base/ask_cache.h"
#include "libshared/base/container_of.h"

#define SUBJECT_BYTES (128 * 4) /* 128 characters of up to four bytes */

struct question {
    struct asker asker;
    grants_fn *answer;
    void *arg;
};

struct key {
    struct id room;
    char subject[SUBJECT_BYTES];
};

/* Kept: a member. */
struct grant {
    struct ask_entry entry;
    bool is_watched; /* asked while every change was heard */
    size_t n_early;  /* of those who wait: they did so already when chat was asked */
    size_t key_len;
    char key[]; /* the room's id, then the subject */
};

struct grants {
    struct ask_cache cache; /* each grant weighs one once it is kept */
    bool watching;
    grants_send_fn *send;
    void *arg;
};

static struct grant *grant_of(struct ask_entry *entry)
{
    return entry == NULL ? NULL : CONTAINER_OF(entry, struct grant, entry);
}

static struct question *next_question(struct grant *grant)
{
    struct asker *asker = askers_next(&grant->entry.askers);

    return asker == NULL ? NULL : CONTAINER_OF(asker, struct question, asker);
}

static void free_grant(struct ask_entry *entry)
{
    struct grant *grant = grant_of(entry);
    struct question *q;

    while ((q = next_question(grant)) != NULL) mem_free(q);
    mem_free(grant);
}

struct grants *grants_create(size_t max, grants_send_fn *send, void *arg)
{
    struct grants *grants = mem_zero(sizeof *grants);

    ask_cache_init(&grants->cache, max, free_grant);
    grants->send = send;
    grants->arg = arg;
    return grants;
}

void grants_destroy(struct grants **grants)
{
    if (*grants == NULL) return;
    ask_cache_clear(&(*grants)->cache);
    mem_free(*grants);
    *grants = NULL;
}

/* A no may be older than a question that came after it was asked for: its sender may have heard since that he is a member. */
static void answer_those(struct grant *grant, enum err e, bool is_member)
{
    while (grant->entry.askers.n > 0 && (grant->n_early > 0 || is_member || e != OK)) {
        struct question *q = next_question(grant);
        if (grant->n_early > 0) grant->n_early--;
        q->answer(q->arg, e, is_member);
        mem_free(q);
    }
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
    size_t len = make_key(&key, room, subject);

    return grant_of(ask_find(&grants->cache, &key, len));
}

static struct grant *add(struct grants *grants, struct id room, struct str subject)
{
    struct key key;
    size_t len = make_key(&key, room, subject);
    struct grant *grant = mem_zero(sizeof *grant + len);

    memcpy(grant->key, &key, len);
    grant->key_len = len;
    ask_add(&grants->cache, &grant->entry, grant->key, len);
    return grant;
}

static void wait_for(struct grant *grant, grants_fn *answer, void *arg)
{
    struct question *q = mem_zero(sizeof *q);

    q->answer = answer;
    q->arg = arg;
    ask_wait(&grant->entry, &q->asker);
}

static void ask_chat(struct grants *grants, struct grant *grant)
{
    struct access_query query = { .subject = { grant->key + sizeof query.room, grant->key_len - sizeof query.room } };

    memcpy(&query.room, grant->key, sizeof query.room);
    grant->is_watched = grants->watching;
    grant->n_early = grant->entry.askers.n;
    grants->send(grants->arg, &query, grant);
}

void grants_ask(struct grants *grants, struct id room, struct str subject, grants_fn *answer, void *arg)
{
    struct grant *grant = find(grants, room, subject);

    if (grant != NULL && grant->entry.is_kept) {
        ask_touch(&grant->entry);
        answer(arg, OK, true);
        return;
    }
    bool is_first = grant == NULL;
    if (is_first) grant = add(grants, room, subject);
    wait_for(grant, answer, arg);
    if (is_first) ask_chat(grants, grant);
}

void grants_answer(struct grants *grants, void *token, enum err e, bool is_member)
{
    struct grant *grant = token;

    answer_those(grant, e, is_member);
    if (grant->entry.askers.n > 0) {
        ask_chat(grants, grant);
    } else if (e == OK && is_member && grant->is_watched) {
        ask_weigh(&grant->entry, 1);
        ask_keep(&grant->entry);
    } else {
        ask_forget(&grant->entry);
    }
}

void grants_watched(struct grants *grants)
{
    grants->watching = true;
}

void grants_lost(struct grants *grants)
{
    grants->watching = false;
    ask_cache_doubt(&grants->cache);
}

static void forget_room(struct grants *grants, struct id room)
{
    struct ask_entry *entry, *next;

    for (entry = grants->cache.kept; entry != NULL; entry = next) {
        next = entry->next;
        if (memcmp(grant_of(entry)->key, &room, sizeof room) == 0) ask_forget(entry);
    }
}

void grants_changed(struct grants *grants, struct id room, struct str subject)
{
    if (subject.len == 0) {
        forget_room(grants, room);
        return;
    }
    struct grant *grant = find(grants, room, subject);
    if (grant != NULL && grant->entry.is_kept) ask_forget(&grant->entry);
}

size_t grants_remembered(const struct grants *grants)
{
    return grants->cache.weight;
}
