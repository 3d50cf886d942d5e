/* ask_cache.c - ask once, remember what was answered, answer all who wait. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/base/ask_cache.h"

#include <assert.h>
#include <utlist.h>

void ask_cache_init(struct ask_cache *cache, size_t max_weight, void (*free)(struct ask_entry *entry))
{
    *cache = (struct ask_cache){ .max_weight = max_weight, .free = free };
}

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
}

void ask_again(struct ask_entry *entry)
{
    assert(entry->is_kept);
    DL_DELETE(entry->home->kept, entry);
    entry->is_kept = false;
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
