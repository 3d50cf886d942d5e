/*
 * ask_cache.h - ask once, remember what was answered, answer all who wait.
 *
 *      find --none---> add, wait, ask ---\
 *           --asked--> wait ------------- > the answer --> take each asker --> keep or forget
 *           --kept---> what is remembered
 *
 * What is kept has a weight, and all together have a bound: over it the entry asked for longest ago is forgotten first.
 * An entry that is being asked about is never forgotten before its answer, which refers to it.
 *
 * An answer under way may be older than a change that is heard of meanwhile.  So ask_cache_invalidate() forgets what is kept,
 * and takes what is asked about out of the table: the answer serves those who wait already, and nobody after them.
 *
 * Entries and askers lie in their owner's structs (CONTAINER_OF); what is asked, what is remembered and what the askers are
 * told is the owner's.  Loop thread only.
 */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <stdbool.h>

#include "libshared/base/table.h"

struct ask_cache;

struct asker {
    struct asker *prev, *next;
};

/* In the order of asking. */
struct askers {
    struct asker *first;
    size_t n;
};

struct ask_entry {
    UT_hash_handle hh;
    struct ask_entry *prev, *next; /* of those kept, asked for longest ago first; or of those stale */
    struct ask_cache *home;
    struct askers askers;
    size_t weight;
    bool is_kept;  /* false: it is being asked about */
    bool is_stale; /* and not in the table any more */
};

/* Nothing of it is to be written from outside. */
struct ask_cache {
    struct ask_entry *table, *kept, *stale;
    size_t weight, max_weight; /* of all in the table */
    size_t steps;              /* since all were looked at: invariant.h */
    void (*free)(struct ask_entry *entry);
};

/* `free` frees an entry and the askers that are left; it is called for each entry that is forgotten. */
void ask_cache_init(struct ask_cache *cache, size_t max_weight, void (*free)(struct ask_entry *entry));
void ask_cache_clear(struct ask_cache *cache); /* those that still wait are not answered, and no answer may come */
void ask_cache_invalidate(struct ask_cache *cache);
bool ask_cache_has_room(const struct ask_cache *cache); /* false: it is full, of entries that are being asked about */

struct ask_entry *ask_find(const struct ask_cache *cache, const void *key, size_t len);
/* The entry is zero, and being asked about from now on.  The key lies in it. */
void ask_add(struct ask_cache *cache, struct ask_entry *entry, const void *key, size_t len);
void ask_again(struct ask_entry *entry); /* it was kept, and may still serve while it is asked about */
void ask_wait(struct ask_entry *entry, struct asker *asker);
/* The askers of an entry, to be told after the entry is kept or forgotten. */
struct askers ask_take(struct ask_entry *entry);
struct asker *askers_next(struct askers *askers); /* takes the first; NULL: there is none */

void ask_keep(struct ask_entry *entry);  /* after its answer; a stale one is forgotten */
void ask_touch(struct ask_entry *entry); /* it was asked for, and is kept */
/* Other kept ones are forgotten while all together weigh too much. */
void ask_weigh(struct ask_entry *entry, size_t weight);
void ask_forget(struct ask_entry *entry); /* kept, or answered */
