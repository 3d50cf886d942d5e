/* address_count.h - how much there is of one address.  Of IPv6 the first 64 bits count: a host owns them all. */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

struct address_count;

struct address_count *address_count_create(void);
void address_count_destroy(struct address_count *count); /* all have left */
int64_t address_count_get(const struct address_count *count, const struct in6_addr *from);
void address_count_add(struct address_count *count, const struct in6_addr *from, int64_t n);
void address_count_remove(struct address_count *count, const struct in6_addr *from, int64_t n); /* that were added */
