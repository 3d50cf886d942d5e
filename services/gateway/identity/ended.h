/*
 * ended.h - tokens that have ended before their time: of a key that was revoked, a subject that was logged out, a session.
 *
 * Each is remembered until the last of its tokens has ended by itself, under 16 bytes of a digest of its name: a hundred bytes
 * of memory, and as many of them as auth has ended within the longest life of a token.
 */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/base/str.h"

enum ended_kind { ENDED_KEY, ENDED_SUBJECT, ENDED_SESSION };

struct ended;

struct ended *ended_create(void);
void ended_destroy(struct ended **ended);
/* Tokens issued up to `at` have ended; after `until` there are none of them. */
void ended_note(struct ended *ended, enum ended_kind kind, struct str name, int64_t at, int64_t until);
/* Up to when they have; -1: none has. */
int64_t ended_find(const struct ended *ended, enum ended_kind kind, struct str name);
void ended_forget(struct ended *ended, int64_t now); /* what is over; in passing, the oldest first */
size_t ended_count(const struct ended *ended);
