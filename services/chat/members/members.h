/*
 * members.h - the members of one room, in memory: made on a worker while it reads them, then the loop's.
 *
 * Of a room that is too large to be remembered whole only those are known who were asked for, members or not.
 */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/base/str.h"

struct members;

struct members *members_create(void);
void members_destroy(struct members **members); /* NULL is fine */
size_t members_count(const struct members *members);

/* What somebody may do in the room's log, as a role: empty, no member.  They read what was stored after `reads_after`; 0: all.  `slow_s` is
 * the room's. */
struct member_access {
    struct str role;
    int64_t reads_after, slow_s;
};
struct member_access members_access(const struct members *members, struct str subject);
void members_set_pace(struct members *members, int64_t slow_s); /* of the room; 0 at first */
/* As of this version of the room; what is known of a later one stays.  Not `slow_s`. */
void members_set(struct members *members, struct str subject, struct member_access access, int64_t version);
size_t members_bytes(const struct members *members); /* that they take */
void members_forget(struct members *members);        /* all; from now on they are not whole */
bool members_are_whole(const struct members *members);
bool members_know(const struct members *members, struct str subject); /* is members_access() to be believed? */
