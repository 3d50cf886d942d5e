/*
 * rates.h - the RATE rows of proto/public.def: how much of a kind one address, subject, key or connection may cause; and
 * the CLASS rows: what a request takes from.
 *
 *      take --> the buckets of this gateway: yes or no, at once
 *                   \--now and then--> Redis: what all gateways took --> the buckets of this gateway
 *
 * Redis makes a limit stricter and never looser: what this gateway alone counted always holds, and is all that holds
 * while Redis is away.
 */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/base/err.h"
#include "libshared/base/str.h"

/* clang-format off */
enum rate {
#define RATE(name, count, seconds, by, unit, doc) RATE_##name,
#include "proto/begin.def"
#include "proto/public.def"
#include "proto/end.def"
    RATE_COUNT
};
enum rate_class {
#define CLASS(name, rates) CLASS_##name,
#include "proto/begin.def"
#include "proto/public.def"
#include "proto/end.def"
    CLASS_COUNT
};
/* clang-format on */
#define RATES_WHO_MAX 128 /* bytes; of what is longer these are counted */

enum rate_by { BY_ADDRESS, BY_SUBJECT, BY_KEY, BY_USER, BY_SESSION, BY_CONNECTION, BY_COUNT };
enum rate_unit { UNIT_CALLS, UNIT_REQUESTS, UNIT_EVENTS, UNIT_BYTES, UNIT_ITEMS, UNIT_COUNT };

/* The payer of a request, and how much: what is empty or 0 is not counted. */
struct rate_payer {
    struct str who[BY_COUNT];
    int64_t amount[UNIT_COUNT];
};

/* What became of it: of the rate that was over, else of the one of which the smallest part is left. */
struct rate_state {
    const char *name;
    int64_t limit, window_s, left;
    int64_t retry_after_ms; /* 0: it was not over */
    enum rate_by by;        /* whose it is: */
    size_t who_len;         /* 0: nobody's in particular */
    char who[RATES_WHO_MAX];
};

const char *rate_by_name(enum rate_by by); /* "address", "subject" ... */
const char *rate_name(enum rate rate);
enum rate_by rate_by(enum rate rate);

struct ev_loop;
struct limits;
struct rates;
/* `percent` of the rates in proto/public.def hold; 0: none. */
struct rates *rates_create(int64_t percent);
/* From now on with all gateways that use this Redis, but for what is counted by connection; "": none.  Once. */
void rates_share(struct rates *rates, struct ev_loop *loop, const char *redis_url);
void rates_destroy(struct rates **rates);
/* Told of each refusal: of which rate, and to whom; once. */
void rates_watch(struct rates *rates, void (*refused)(void *arg, enum rate rate, struct str who), void *arg);
/* From now on these hold where they are others than the rows; NULL: none is. */
void rates_change(struct rates *rates, const struct limits *limits);

/* All that the class takes, or nothing: then false. */
bool rates_charge(struct rates *rates, enum rate_class class, const struct rate_payer *payer, int64_t now_us,
    struct rate_state *state);
/* For what is done already.  false: that was more than there was; it counts all the same, two windows of it at the most. */
bool rates_charge_done(struct rates *rates, enum rate_class class, const struct rate_payer *payer, int64_t now_us,
    struct rate_state *state);

/* One more of one rate by `who`, an address, a subject, an id of a key, the sid of a connection, as the rate has it: 0,
 * or milliseconds until the next one is welcome.  The table is bounded: the longest known are forgotten first. */
int64_t rates_take(struct rates *rates, enum rate rate, struct str who, int64_t now_us);
/* That one shall not count after all. */
void rates_give_back(struct rates *rates, enum rate rate, struct str who);
struct rate_state rates_limit(const struct rates *rates, enum rate rate); /* its name, limit and window */
/* Without taking: how many more there may be at once, and how long until there may be one. */
int64_t rates_left(const struct rates *rates, enum rate rate, struct str who, int64_t now_us);
int64_t rates_wait_ms(const struct rates *rates, enum rate rate, struct str who, int64_t now_us);
