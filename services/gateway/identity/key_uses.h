/*
 * key_uses.h - how often each API key is used over REST, in each minute, for auth, which keeps it.
 *
 *      note --its key and minute--> counted --every five seconds, what grew, 500 at a time--> key_use.note
 *           --too many keys in a minute, as auth is away--> left out, and counted
 *
 * What is told is how many there were so far, by this gateway: told again it counts once.  Nobody waits for any of this; a gateway that
 * is killed takes the last seconds with it.
 */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/base/str.h"

struct ev_loop;
struct key_uses;
struct service_pipes;

struct key_uses *key_uses_create(struct ev_loop *loop, const struct service_pipes *auth);
void key_uses_destroy(struct key_uses **key_uses); /* after the pipe: nothing is answered any more */
/* One of this key, or of a token of it; empty: of none.  key_uses NULL: there is nobody to tell. */
void key_uses_note(struct key_uses *key_uses, struct str key);
