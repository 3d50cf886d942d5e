/*
 * holding.h - how many bytes are held for each owner, and which owner holds too many.
 *
 *      holding            of            its bytes count in
 *      a connection  ---  its address   what the address holds
 *      or session    ---  its owner     what the subject holds; of one without an identity: what all strangers hold
 *                    ---  the process   what all hold
 *
 * Each of these has a bound.  What would pass one is refused.  Before it comes to that, at seven eighths of a bound, the
 * biggest holdings are closed until three quarters are left: so the bound is met by who holds most, and by nobody else.
 * Strangers together have a bound below that of the process: the rest is for those who said who they are.
 *
 * Bytes that several holdings refer to (a packet in many queues) are shared: each holding and its holders count them, the
 * process counts them once, by holdings_add().  What a connection costs by being there is its base: it counts for the
 * owner and the process, and not for the address, whose connections are counted by number.
 *
 * One loop thread only.  Of a holding that was never opened nothing is counted.
 */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/base/err.h"
#include "libshared/base/str.h"

struct holder;
struct in6_addr;

/* Lies in what it is about.  Nothing of it is to be written from outside. */
struct holding {
    struct holder *address, *owner; /* address NULL: nobody's */
    size_t held, shared, base;
    /* It is one of the biggest, and has to go.  What it holds is given back now or on a later turn; no holding may be
     * closed before this returns. */
    void (*evict)(struct holding *holding);
    bool evicted;
    struct holding *prev, *next;
};

struct holding_bounds {
    size_t all, strangers, address, subject, each;
};
/* Once, before anything is held; without it nothing is bounded. */
void holdings_bound(const struct holding_bounds *bounds);

/* Is there room for one more with this base?  Asked before one is opened. */
bool holdings_have_room(size_t base);
/* A stranger's, from this address; NULL: nobody's. */
void holding_open(struct holding *holding, const struct in6_addr *from, size_t base, void (*evict)(struct holding *));
void holding_close(struct holding *holding); /* all but its base was given back */
bool holding_is_open(const struct holding *holding);

/* OK, or why there is no room: too_large (its own bound), rate_limited (of its address or subject), overloaded.  Its
 * first bytes are taken whatever its holders hold: for them the biggest go, and nobody who asks for little is refused. */
#define HOLDING_SMALL 4096
enum err holding_take(struct holding *holding, size_t bytes) MUST_CHECK;
void holding_give(struct holding *holding, size_t bytes);
/* What cannot be refused, because it is here already, or closes something. */
void holding_take_anyway(struct holding *holding, size_t bytes);
/* From *counted to `bytes`: for a buffer, after it grew or shrank. */
enum err holding_set(struct holding *holding, size_t *counted, size_t bytes) MUST_CHECK;
void holding_set_anyway(struct holding *holding, size_t *counted, size_t bytes);
enum err holding_share(struct holding *holding, size_t bytes) MUST_CHECK;
void holding_unshare(struct holding *holding, size_t bytes);
void holding_share_anyway(struct holding *holding, size_t bytes);

/* It has an identity from now on.  Not OK: that subject holds too many bytes; the holding is as it was. */
enum err holding_belongs(struct holding *holding, struct str subject) MUST_CHECK;
struct str holding_subject(const struct holding *holding); /* STR_NONE: a stranger's */
bool holding_is_strangers(const struct holding *holding);
/* The same owner as the other's, whatever that one holds; NULL: a stranger's again. */
void holding_follow(struct holding *holding, const struct holding *other);
/* Its base is another from now on. */
void holding_rebase(struct holding *holding, size_t base);
/* Behind a proxy the next request is another client's. */
void holding_from(struct holding *holding, const struct in6_addr *from);

/* What is shared, for the process. */
void holdings_add(size_t bytes);
void holdings_remove(size_t bytes);

/* Once for each turn of the loop: evicts some, if a bound is near. */
void holdings_relieve(void);
void holdings_check(void); /* see invariant.h */

struct holding_totals {
    size_t all, strangers, peak; /* bytes; the most there were since holdings_forget_peak() */
    uint64_t refused, evicted;   /* since the start */
};
struct holding_totals holdings_totals(void);
void holdings_forget_peak(void);
size_t holding_bytes(const struct holding *holding);
