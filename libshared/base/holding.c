/* holding.c - how many bytes are held for each owner, and which owner holds too many. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/base/holding.h"

#include <assert.h>
#include <string.h>

#include <utlist.h>

#include "libshared/base/arena.h"
#include "libshared/base/invariant.h"
#include "libshared/base/network.h"
#include "libshared/base/table.h"

#define CHECKED_MOST  64
/* So many are evicted in one turn, at most: what is left has its turn next. */
#define EVICTIONS_MAX 32

/* A party that bytes are counted for: an address, a subject, the strangers, the process. */
struct holder {
    size_t used, most;
    bool tight; /* in the list of those who hold too much */
    struct holder *prev, *next;
    unsigned holdings;
    UT_hash_handle hh; /* the key is behind it */
};

static struct {
    struct holding_bounds bounds;
    struct holder all, strangers;
    struct holder *addresses, *subjects;
    struct holder *tight;
    struct holding *holdings;
    struct holding_totals totals;
} book = {
    .bounds = { SIZE_MAX, SIZE_MAX, SIZE_MAX, SIZE_MAX, SIZE_MAX },
    .all = { .most = SIZE_MAX },
    .strangers = { .most = SIZE_MAX },
};

void holdings_bound(const struct holding_bounds *bounds)
{
    assert(book.holdings == NULL);
    book.bounds = *bounds;
    book.all.most = bounds->all;
    book.strangers.most = bounds->strangers;
}

/* --- holders --- */

static struct holder *holder_get(struct holder **table, const void *key, size_t len, size_t most)
{
    struct holder *holder;

    HASH_FIND(hh, *table, key, len, holder);
    if (holder == NULL) {
        holder = mem_zero(sizeof *holder + len);
        holder->most = most;
        memcpy(holder + 1, key, len);
        HASH_ADD_KEYPTR(hh, *table, (const char *)(holder + 1), len, holder);
    }
    holder->holdings++;
    return holder;
}

static void set_tight(struct holder *holder, bool tight)
{
    if (holder->tight == tight) return;
    holder->tight = tight;
    if (tight)
        DL_APPEND(book.tight, holder);
    else
        DL_DELETE(book.tight, holder);
}

static void holder_leave(struct holder **table, struct holder *holder)
{
    if (holder == NULL || holder == &book.strangers) return;
    if (--holder->holdings > 0) return;
    assert(holder->used == 0);
    set_tight(holder, false);
    HASH_DELETE(hh, *table, holder);
    mem_free(holder);
}

static bool has_room(const struct holder *holder, size_t bytes)
{
    return holder == NULL || (bytes <= holder->most && holder->used <= holder->most - bytes);
}

static void add_bytes(struct holder *holder, size_t bytes)
{
    if (holder == NULL) return;
    holder->used += bytes;
    if (holder->used > holder->most / 8 * 7) set_tight(holder, true);
}

static void subtract_bytes(struct holder *holder, size_t bytes)
{
    if (holder == NULL) return;
    assert(holder->used >= bytes);
    holder->used -= bytes;
}

static struct holder *of_address(const struct in6_addr *from)
{
    struct in6_addr block;

    if (from == NULL) return NULL;
    block = address_block(from);
    return holder_get(&book.addresses, &block, sizeof block, book.bounds.address);
}

/* --- the process --- */

void holdings_add(size_t bytes)
{
    add_bytes(&book.all, bytes);
    if (book.all.used > book.totals.peak) book.totals.peak = book.all.used;
}

void holdings_remove(size_t bytes)
{
    subtract_bytes(&book.all, bytes);
}

struct holding_totals holdings_totals(void)
{
    struct holding_totals totals = book.totals;

    totals.all = book.all.used;
    totals.strangers = book.strangers.used;
    return totals;
}

void holdings_forget_peak(void)
{
    book.totals.peak = book.all.used;
}

/* --- holdings --- */

static enum err count_refusal(enum err e)
{
    book.totals.refused++;
    return e;
}

static enum err owner_full(const struct holding *h)
{
    return h->owner == &book.strangers ? ERR_OVERLOADED : ERR_RATE_LIMITED;
}

size_t holding_bytes(const struct holding *h)
{
    return h->held + h->shared + h->base;
}

static bool is_small(const struct holding *h, size_t bytes)
{
    return bytes <= HOLDING_SMALL && h->held + h->shared <= HOLDING_SMALL - bytes;
}

/* Of its own bound and of its holders', the process aside. */
static enum err check_holding(const struct holding *h, size_t bytes)
{
    if (bytes > book.bounds.each || h->held + h->shared > book.bounds.each - bytes) return count_refusal(ERR_TOO_LARGE);
    if (is_small(h, bytes)) return OK;
    if (!has_room(h->address, bytes)) return count_refusal(ERR_RATE_LIMITED);
    return has_room(h->owner, bytes) ? OK : count_refusal(owner_full(h));
}

/* --- what is true between two steps --- */

static void holder_check(const struct holder *holder)
{
    const struct holding *h;
    size_t used = 0;
    unsigned holdings = 0;

    DL_FOREACH(book.holdings, h) {
        if (holder != h->address && holder != h->owner) continue;
        used += holder == h->owner ? holding_bytes(h) : h->held + h->shared;
        holdings++;
    }
    assert(holder->used == used);
    assert(holder == &book.strangers || holder->holdings == holdings);
    assert(holder->tight || holder->used <= holder->most / 8 * 7);
}

/* What the process holds is also taken without a holding.  Asked for while there are few holdings, as it looks at each
 * of them for each holder. */
void holdings_check(void)
{
    const struct holding *h;
    const struct holder *holder;
    size_t all = 0, n = 0;

    DL_FOREACH(book.holdings, h) {
        all += h->held + h->base;
        if (++n > CHECKED_MOST) return;
    }
    assert(book.all.used >= all && book.totals.peak >= book.all.used);
    holder_check(&book.strangers);
    for (holder = book.addresses; holder != NULL; holder = holder->hh.next) holder_check(holder);
    for (holder = book.subjects; holder != NULL; holder = holder->hh.next) holder_check(holder);
}

bool holdings_have_room(size_t base)
{
    bool room = has_room(&book.strangers, base) && has_room(&book.all, base);

    if (!room) book.totals.refused++;
    return room;
}

void holding_open(struct holding *h, const struct in6_addr *from, size_t base, void (*evict)(struct holding *holding))
{
    *h = (struct holding){ .owner = &book.strangers, .base = base, .evict = evict };
    h->address = of_address(from);
    add_bytes(h->owner, base);
    holdings_add(base);
    DL_APPEND(book.holdings, h);
    CHECK_STEP(holdings_check());
}

bool holding_is_open(const struct holding *h)
{
    return h->owner != NULL;
}

void holding_close(struct holding *h)
{
    assert(h->held == 0 && h->shared == 0 && "what was taken is given back");
    subtract_bytes(h->owner, h->base);
    holdings_remove(h->base);
    holder_leave(&book.addresses, h->address);
    holder_leave(&book.subjects, h->owner);
    DL_DELETE(book.holdings, h);
    *h = (struct holding){ 0 };
    CHECK_STEP(holdings_check());
}

void holding_take_anyway(struct holding *h, size_t bytes)
{
    if (!holding_is_open(h)) return;
    h->held += bytes;
    add_bytes(h->address, bytes);
    add_bytes(h->owner, bytes);
    holdings_add(bytes);
    CHECK_STEP(holdings_check());
}

enum err holding_take(struct holding *h, size_t bytes)
{
    if (!holding_is_open(h)) return OK;
    TRY(check_holding(h, bytes));
    if (!is_small(h, bytes) && !has_room(&book.all, bytes)) return count_refusal(ERR_OVERLOADED);
    holding_take_anyway(h, bytes);
    return OK;
}

void holding_give(struct holding *h, size_t bytes)
{
    if (!holding_is_open(h)) return;
    assert(h->held >= bytes);
    h->held -= bytes;
    subtract_bytes(h->address, bytes);
    subtract_bytes(h->owner, bytes);
    holdings_remove(bytes);
    CHECK_STEP(holdings_check());
}

enum err holding_set(struct holding *h, size_t *counted, size_t bytes)
{
    if (bytes > *counted) TRY(holding_take(h, bytes - *counted));
    if (bytes < *counted) holding_give(h, *counted - bytes);
    *counted = bytes;
    return OK;
}

void holding_set_anyway(struct holding *h, size_t *counted, size_t bytes)
{
    if (bytes > *counted)
        holding_take_anyway(h, bytes - *counted);
    else
        holding_give(h, *counted - bytes);
    *counted = bytes;
}

void holding_share_anyway(struct holding *h, size_t bytes)
{
    if (!holding_is_open(h)) return;
    h->shared += bytes;
    add_bytes(h->address, bytes);
    add_bytes(h->owner, bytes);
    CHECK_STEP(holdings_check());
}

enum err holding_share(struct holding *h, size_t bytes)
{
    if (!holding_is_open(h)) return OK;
    TRY(check_holding(h, bytes));
    holding_share_anyway(h, bytes);
    return OK;
}

void holding_unshare(struct holding *h, size_t bytes)
{
    if (!holding_is_open(h)) return;
    assert(h->shared >= bytes);
    h->shared -= bytes;
    subtract_bytes(h->address, bytes);
    subtract_bytes(h->owner, bytes);
    CHECK_STEP(holdings_check());
}

static void set_owner(struct holding *h, struct holder *owner)
{
    size_t bytes = holding_bytes(h);

    subtract_bytes(h->owner, bytes);
    holder_leave(&book.subjects, h->owner);
    h->owner = owner;
    add_bytes(owner, bytes);
    CHECK_STEP(holdings_check());
}

enum err holding_belongs(struct holding *h, struct str subject)
{
    struct holder *owner = holder_get(&book.subjects, subject.at, subject.len, book.bounds.subject);

    if (owner != h->owner && !has_room(owner, holding_bytes(h))) {
        holder_leave(&book.subjects, owner);
        return count_refusal(ERR_RATE_LIMITED);
    }
    set_owner(h, owner);
    return OK;
}

void holding_follow(struct holding *h, const struct holding *other)
{
    struct holder *owner = other != NULL ? other->owner : &book.strangers;

    if (!holding_is_open(h) || owner == h->owner) return;
    if (owner != &book.strangers) owner->holdings++;
    set_owner(h, owner);
}

void holding_rebase(struct holding *h, size_t base)
{
    if (!holding_is_open(h)) return;
    subtract_bytes(h->owner, h->base);
    holdings_remove(h->base);
    h->base = base;
    add_bytes(h->owner, base);
    holdings_add(base);
}

struct str holding_subject(const struct holding *h)
{
    if (h->owner == NULL || h->owner == &book.strangers) return STR_NONE;
    return (struct str){ (const char *)(h->owner + 1), h->owner->hh.keylen };
}

bool holding_is_strangers(const struct holding *h)
{
    return h->owner == &book.strangers;
}

void holding_from(struct holding *h, const struct in6_addr *from)
{
    struct holder *before = h->address;

    if (!holding_is_open(h)) return;
    h->address = of_address(from);
    add_bytes(h->address, h->held + h->shared);
    subtract_bytes(before, h->held + h->shared);
    holder_leave(&book.addresses, before);
    CHECK_STEP(holdings_check());
}

/* --- which holdings are closed --- */

static bool counts_for(const struct holding *h, const struct holder *holder)
{
    return holder == &book.all || h->address == holder || h->owner == holder;
}

/* What the holder of a holding weighs among all of the process or among the strangers, who are told apart by their addresses. */
static size_t weight_of_holder(const struct holding *h, const struct holder *in)
{
    if (in != &book.all && in != &book.strangers) return 0;
    if (h->owner != &book.strangers) return h->owner->used;
    return h->address != NULL ? h->address->used : 0;
}

struct candidate {
    struct holding *holding;
    size_t of_holder, own;
};

static bool is_bigger(const struct candidate *a, const struct candidate *b)
{
    return a->of_holder != b->of_holder ? a->of_holder > b->of_holder : a->own > b->own;
}

/* Into a list of the biggest, in their order; the smallest falls out. */
static size_t insert_candidate(struct candidate *list, size_t n, struct candidate one)
{
    size_t at = n;

    while (at > 0 && is_bigger(&one, &list[at - 1])) at--;
    if (at == EVICTIONS_MAX) return n;
    if (n == EVICTIONS_MAX) n--;
    memmove(list + at + 1, list + at, (n - at) * sizeof *list);
    list[at] = one;
    return n + 1;
}

static size_t bytes_in(const struct holding *h, const struct holder *holder)
{
    if (holder == h->address) return h->held + h->shared;
    return holder == &book.all ? h->held + h->base : holding_bytes(h);
}

/* Those who were told already have not all gone yet: what they hold is as good as given back. */
static size_t find_biggest(const struct holder *holder, struct candidate *list, size_t *leaving)
{
    struct holding *h;
    size_t n = 0;

    *leaving = 0;
    DL_FOREACH(book.holdings, h) {
        if (!counts_for(h, holder)) continue;
        if (h->evicted)
            *leaving += bytes_in(h, holder);
        else if (bytes_in(h, holder) > 0)
            n = insert_candidate(list, n, (struct candidate){ h, weight_of_holder(h, holder), holding_bytes(h) });
    }
    return n;
}

static void relieve_holder(struct holder *holder)
{
    struct candidate biggest[EVICTIONS_MAX];
    size_t enough = holder->most / 4 * 3, leaving = 0, n = 0;

    if (holder->used > enough) n = find_biggest(holder, biggest, &leaving);
    for (size_t i = 0; i < n && holder->used > enough + leaving; i++) {
        struct holding *h = biggest[i].holding;
        h->evicted = true;
        book.totals.evicted++;
        h->evict(h);
        leaving += bytes_in(h, holder);
    }
    if (holder->used <= enough) set_tight(holder, false);
}

void holdings_relieve(void)
{
    struct holder *holder, *next;

    DL_FOREACH_SAFE(book.tight, holder, next) relieve_holder(holder);
}
