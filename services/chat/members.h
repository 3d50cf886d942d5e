/* members.h - the members of one room, in memory: made on a worker while it reads them, then the loop's. */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/base/str.h"

struct members;

struct members *members_create(void);
void members_destroy(struct members **members); /* NULL is fine */
size_t members_count(const struct members *members);
struct str members_role(const struct members *members, struct str subject); /* owner, member, or empty: none */
void members_set(struct members *members, struct str subject, struct str role);
