/* ask_cache.c - ask once, remember what was answered, answer all who wait. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/base/ask_cache.h"

#include <assert.h>
#include <utlist.h>

#include "libshared/base/invariant.h"

void ask_cache_init(struct ask_cache *cache, size_t max_weight, void (*free)(struct ask_entry *entry))
{
    *cache = (struct ask_cache){ .max_weight = max_weight, .free = free };
}

/* --- what is true between two steps --- */

static void entry_check(const struct ask_cache *cache, const struct ask_entry *entry)
{
    const struct asker *asker;
    size_t n = 0;

    DL_FOREACH(entry->askers.first, asker) n++;
    assert(entry->home == cache && entry->askers.n == n);
    assert(!entry->is_kept || (n == 0 && !entry->is_stale));
}

/* What is in the table weighs what is counted; the kept are in it, and the stale are not. */
static void ask_cache_check(struct ask_cache *cache)
{
    const struct ask_entry *entry;
    size_t weight = 0, n_kept = 0;

    if (!walk_is_due(&cache->steps, HASH_COUNT(cache->table))) return;
    for (entry = cache->table; entry != NULL; entry = entry->hh.next) {
        entry_check(cache, entry);
        assert(!entry->is_stale);
        weight += entry->weight;
        n_kept += entry->is_kept;
    }
    DL_FOREACH(cache->kept, entry) {
        assert(entry->is_kept && n_kept > 0);
        n_kept--;
    }
    DL_FOREACH(cache->stale, entry) {
        entry_check(cache, entry);
        assert(entry->is_stale);
    }
    assert(n_kept == 0 && weight == cache->weight);
}

/* --- steps --- */

static void remove_from_table(struct ask_entry *entry)
{
    entry->home->weight -= entry->weight;
    HASH_DEL(entry->home->table, entry);
}

void ask_forget(struct ask_entry *entry)
{
    struct ask_cache *cache = entry->home;

    if (entry->is_stale) {
        DL_DELETE(cache->stale, entry);
    } else {
        if (entry->is_kept) DL_DELETE(cache->kept, entry);
        remove_from_table(entry);
    }
    cache->free(entry);
    CHECK_STEP(ask_cache_check(cache));
}

void ask_cache_clear(struct ask_cache *cache)
{
    while (cache->table != NULL) ask_forget(cache->table);
    while (cache->stale != NULL) ask_forget(cache->stale);
}

void ask_cache_invalidate(struct ask_cache *cache)
{
    struct ask_entry *asked;

    while (cache->kept != NULL) ask_forget(cache->kept);
    while ((asked = cache->table) != NULL) {
        remove_from_table(asked);
        asked->is_stale = true;
        DL_APPEND(cache->stale, asked);
    }
    CHECK_STEP(ask_cache_check(cache));
}

bool ask_cache_has_room(const struct ask_cache *cache)
{
    return cache->weight < cache->max_weight || cache->kept != NULL;
}

struct ask_entry *ask_find(const struct ask_cache *cache, const void *key, size_t len)
{
    struct ask_entry *entry;

    HASH_FIND(hh, cache->table, key, len, entry);
    return entry;
}

void ask_add(struct ask_cache *cache, struct ask_entry *entry, const void *key, size_t len)
{
    entry->home = cache;
    HASH_ADD_KEYPTR(hh, cache->table, key, len, entry);
    CHECK_STEP(ask_cache_check(cache));
}

void ask_again(struct ask_entry *entry)
{
    assert(entry->is_kept);
    DL_DELETE(entry->home->kept, entry);
    entry->is_kept = false;
    CHECK_STEP(ask_cache_check(entry->home));
}

void ask_wait(struct ask_entry *entry, struct asker *asker)
{
    assert(!entry->is_kept);
    DL_APPEND(entry->askers.first, asker);
    entry->askers.n++;
}

struct askers ask_take(struct ask_entry *entry)
{
    struct askers askers = entry->askers;

    entry->askers = (struct askers){ 0 };
    return askers;
}

struct asker *askers_next(struct askers *askers)
{
    struct asker *asker = askers->first;

    if (asker == NULL) return NULL;
    DL_DELETE(askers->first, asker);
    askers->n--;
    return asker;
}

void ask_keep(struct ask_entry *entry)
{
    assert(!entry->is_kept && entry->askers.first == NULL);
    if (entry->is_stale) {
        ask_forget(entry);
        return;
    }
    entry->is_kept = true;
    DL_APPEND(entry->home->kept, entry);
    CHECK_STEP(ask_cache_check(entry->home));
}

void ask_touch(struct ask_entry *entry)
{
    assert(entry->is_kept);
    DL_DELETE(entry->home->kept, entry);
    DL_APPEND(entry->home->kept, entry);
}

void ask_weigh(struct ask_entry *entry, size_t weight)
{
    struct ask_cache *cache = entry->home;
    struct ask_entry *oldest;

    if (entry->is_stale) return;
    cache->weight += weight - entry->weight;
    entry->weight = weight;
    while (cache->weight > cache->max_weight) {
        oldest = cache->kept == entry ? entry->next : cache->kept;
        if (oldest == NULL) return;
        ask_forget(oldest);
    }
}
