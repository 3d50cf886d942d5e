/*
 * invites.h - links by which others come into a room.
 *
 *      create --> lets in ---its time or its uses are over, or it is revoked--> gone
 *                   '--- not while who made it may not make links there, nor whom they block or who blocks them
 *
 * A link is the room's id and a code of 132 bits, of which the database has the hash alone.  A code that lets nobody in, or not whoever
 * presents it, is answered alike whatever the reason, by the same statement; but who is banned is told so, as with an open room.
 */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "services/chat/chat.h"

#define INVITE_CODE_CHARS 22
#define INVITE_CODE       "room.invite" /* for code_hash() */

/* Those that an erased user made, so many at most. */
enum err invites_erase_some(struct call *call, struct str subject, int64_t most, int64_t *n) MUST_CHECK;
