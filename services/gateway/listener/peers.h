/* peers.h - how many there are of one address.  Of IPv6 the first 64 bits count: a host owns them all. */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

struct peers;

struct peers *peers_create(void);
void peers_destroy(struct peers *peers); /* all have left */
int64_t peers_count(const struct peers *peers, const struct in6_addr *from);
void peers_enter(struct peers *peers, const struct in6_addr *from);
void peers_leave(struct peers *peers, const struct in6_addr *from);
