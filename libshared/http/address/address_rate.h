/*
 * address_rate.h - how fast new connections of one address come.  Of IPv6 the first 64 bits count: a host owns them all.
 *
 * The table is bounded: an address of which nothing is counted any more is forgotten, and over the bound the one that has
 * been known longest.
 */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

struct address_rate;

/* So many each second, and so many at once; per_s 0: as fast as they like. */
struct address_rate *address_rate_create(int64_t per_s, int64_t at_once);
void address_rate_destroy(struct address_rate *rate);
/* One more.  false: that is too fast, and it does not count. */
bool address_rate_take(struct address_rate *rate, const struct in6_addr *from, int64_t now_us);
