/*
 * rates.h - the RATE rows of proto/public.def: how many of a kind one address, subject, connection or socket
 * may send.
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
enum rate_class {
#define RATE(name, count, seconds, by, doc) RATE_##name,
#include "proto/begin.def"
#include "proto/public.def"
#include "proto/end.def"
    RATE_COUNT
};
/* clang-format on */
enum rate_by { BY_ADDRESS, BY_SUBJECT, BY_CONNECTION, BY_SOCKET };

struct ev_loop;
struct rates;
/* `percent` of the rates in proto/public.def hold; 0: none. */
struct rates *rates_create(int64_t percent);
/* From now on with all gateways that use this Redis, but for what is counted by connection or by socket;
 * "": none.  Once. */
void rates_share(struct rates *rates, struct ev_loop *loop, const char *redis_url);
void rates_destroy(struct rates **rates);

enum rate_by rates_by(enum rate_class class);
/* One more of this class by `who`, an address, a subject, the sid of a connection or of a
 * socket, as the class has it: 0, or milliseconds until the next
 * one is welcome.  The table is bounded: the longest known are forgotten first. */
int64_t rates_take(struct rates *rates, enum rate_class class, struct str who, int64_t now_us);
/* That one shall not count after all. */
void rates_give_back(struct rates *rates, enum rate_class class, struct str who);
/* Without taking: how many more there may be at once, and how long until there may be one. */
int64_t rates_left(const struct rates *rates, enum rate_class class, struct str who, int64_t now_us);
int64_t rates_wait_ms(const struct rates *rates, enum rate_class class, struct str who, int64_t now_us);

/* What counts as one address: of IPv6 the first 64 bits, as a host owns all the addresses behind them.  `text` is where
 * it may be written to. */
#define RATES_NETWORK_CHARS 46
struct str rates_network(struct str address, char text[RATES_NETWORK_CHARS]);
