/* access_cache.c - which subject may act in which room, remembered from chat's answers. */
// SPDX-License-Identifier: Apache-2.0
#include "services/store/access_cache.h"

#include <assert.h>
#include <string.h>
#include <utlist.h>

#include "libshared/base/ask_cache.h"
#include "libshared/base/container_of.h"

#define SUBJECT_BYTES (128 * 4) /* 128 characters of up to four bytes */
#define GRANT_BYTES   256       /* of one whose subject is not long: a long one weighs as many as it has bytes */

struct access_asker {
    struct asker asker;
    access_cache_fn *answer;
    void *arg;
};

struct access_key {
    struct id room;
    char subject[SUBJECT_BYTES];
};

/* Kept: a member who may more than read. */
struct grant {
    struct ask_entry entry;
    bool is_watched;       /* asked while every change was heard */
    struct log_access may; /* once it is kept */
    size_t n_early;        /* of those who wait: they did so already when chat was asked */
    size_t key_len;
    char key[]; /* the room's id, then the subject */
};

struct access_cache {
    struct ask_cache cache; /* each grant weighs its bytes once it is kept */
    bool watching;
    access_cache_send_fn *send;
    void *arg;
};

static struct grant *grant_of(struct ask_entry *entry)
{
    return entry == NULL ? NULL : CONTAINER_OF(entry, struct grant, entry);
}

static size_t weight_of(const struct grant *grant)
{
    size_t bytes = sizeof *grant + grant->key_len;

    return bytes > GRANT_BYTES ? bytes : GRANT_BYTES;
}

static struct access_asker *next_access_asker(struct grant *grant)
{
    struct asker *asker = askers_next(&grant->entry.askers);

    return asker == NULL ? NULL : CONTAINER_OF(asker, struct access_asker, asker);
}

static void free_grant(struct ask_entry *entry)
{
    struct grant *grant = grant_of(entry);
    struct access_asker *q;

    while ((q = next_access_asker(grant)) != NULL) mem_free(q);
    mem_free(grant);
}

struct access_cache *access_cache_create(size_t max, access_cache_send_fn *send, void *arg)
{
    struct access_cache *access = mem_zero(sizeof *access);

    ask_cache_init(&access->cache, max * GRANT_BYTES, free_grant);
    access->send = send;
    access->arg = arg;
    return access;
}

void access_cache_destroy(struct access_cache **access)
{
    if (*access == NULL) return;
    ask_cache_clear(&(*access)->cache);
    mem_free(*access);
    *access = NULL;
}

/* A yes is kept: whoever is less may have become more, and have heard so, before chat's word of it is here. */
static bool is_yes(enum err e, struct log_access may)
{
    return e == OK && may.role > ROLE_read_only;
}

/* A no may be older than a question that came after it was asked for: its sender may have heard since that it is a member. */
static void answer_those(struct grant *grant, enum err e, struct log_access may)
{
    while (grant->entry.askers.n > 0 && (grant->n_early > 0 || e != OK || is_yes(e, may))) {
        struct access_asker *q = next_access_asker(grant);
        if (grant->n_early > 0) grant->n_early--;
        q->answer(q->arg, e, may);
        mem_free(q);
    }
}

static size_t make_key(struct access_key *key, struct id room, struct str subject)
{
    assert(subject.len <= SUBJECT_BYTES);
    key->room = room;
    memcpy(key->subject, subject.at, subject.len);
    return sizeof room + subject.len;
}

static struct grant *find_grant(struct access_cache *access, struct id room, struct str subject)
{
    struct access_key key;
    size_t len = make_key(&key, room, subject);

    return grant_of(ask_find(&access->cache, &key, len));
}

static struct grant *add_grant(struct access_cache *access, struct id room, struct str subject)
{
    struct access_key key;
    size_t len = make_key(&key, room, subject);
    struct grant *grant = mem_zero(sizeof *grant + len);

    memcpy(grant->key, &key, len);
    grant->key_len = len;
    ask_add(&access->cache, &grant->entry, grant->key, len);
    return grant;
}

static void wait_for(struct grant *grant, access_cache_fn *answer, void *arg)
{
    struct access_asker *q = mem_zero(sizeof *q);

    q->answer = answer;
    q->arg = arg;
    ask_wait(&grant->entry, &q->asker);
}

static void ask_chat(struct access_cache *access, struct grant *grant)
{
    struct access_query query = { .subject = { grant->key + sizeof query.room, grant->key_len - sizeof query.room } };

    memcpy(&query.room, grant->key, sizeof query.room);
    grant->is_watched = access->watching;
    grant->n_early = grant->entry.askers.n;
    access->send(access->arg, &query, grant);
}

void access_cache_ask(
    struct access_cache *access, struct id room, struct str subject, access_cache_fn *answer, void *arg)
{
    struct grant *grant = find_grant(access, room, subject);

    if (grant != NULL && grant->entry.is_kept) {
        ask_touch(&grant->entry);
        answer(arg, OK, grant->may);
        return;
    }
    bool is_first = grant == NULL;
    if (is_first) grant = add_grant(access, room, subject);
    wait_for(grant, answer, arg);
    if (is_first) ask_chat(access, grant);
}

void access_cache_answer(struct access_cache *access, void *token, enum err e, struct log_access may)
{
    struct grant *grant = token;

    answer_those(grant, e, may);
    if (grant->entry.askers.n > 0) {
        ask_chat(access, grant);
    } else if (is_yes(e, may) && grant->is_watched) {
        grant->may = may;
        ask_weigh(&grant->entry, weight_of(grant));
        ask_keep(&grant->entry);
    } else {
        ask_forget(&grant->entry);
    }
}

void access_cache_watched(struct access_cache *access)
{
    access->watching = true;
}

void access_cache_lost(struct access_cache *access)
{
    access->watching = false;
    ask_cache_invalidate(&access->cache);
}

static void forget_room(struct access_cache *access, struct id room)
{
    struct ask_entry *entry, *next;

    for (entry = access->cache.kept; entry != NULL; entry = next) {
        next = entry->next;
        if (memcmp(grant_of(entry)->key, &room, sizeof room) == 0) ask_forget(entry);
    }
}

void access_cache_changed(struct access_cache *access, struct id room, struct str subject)
{
    if (subject.len == 0) {
        forget_room(access, room);
        return;
    }
    struct grant *grant = find_grant(access, room, subject);
    if (grant != NULL && grant->entry.is_kept) ask_forget(&grant->entry);
}

size_t access_cache_remembered(const struct access_cache *access)
{
    const struct ask_entry *entry;
    size_t n = 0;

    DL_FOREACH(access->cache.kept, entry) n++;
    return n;
}
