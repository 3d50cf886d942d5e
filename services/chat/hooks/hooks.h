/*
 * hooks.h - URLs by which programs post to a room.
 *
 *      POST /hooks/{room}/{code} --> store: hook.post --hook.open--> whose it is, counted --> the log, sender hook:<id>
 *
 * A hook belongs to its room: it outlives who made it, and ends with the room.  Its URL is the room's id and a code, of which the database has
 * the hash alone.  A code that never was, and one that is none any more, are one statement that finds no row.  docs/hooks.md
 */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "services/chat/chat.h"

#define HOOK_CODE_CHARS 32
#define HOOK_CODE       "room.hook" /* for code_hash() */

/* In a step of member_erase.c: hooks that a user who is erased made are nobody's. */
enum err hooks_erase_some(struct call *call, struct str subject, int64_t most, int64_t *n) MUST_CHECK;
