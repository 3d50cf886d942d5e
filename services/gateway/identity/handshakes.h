/*
 * handshakes.h - what sockets were answered when they asked to be connected, for auth's record.
 *
 *      note --alike within the second--> counted
 *           --another--> waits --each second, 500 at a time, one request after the other--> handshake.note
 *           --too many wait, as auth is away or slow--> left out, and their number is told
 *
 * Nobody waits for any of this.  A gateway that is killed takes the last second with it.
 */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/base/err.h"
#include "libshared/base/str.h"

struct ev_loop;
struct handshakes;
struct service_pipes;

struct handshakes *handshakes_create(struct ev_loop *loop, const struct service_pipes *auth);
void handshakes_destroy(struct handshakes **handshakes); /* after the pipe: nothing is answered any more */
/* handshakes NULL: there is nobody to tell. */
void handshakes_note(struct handshakes *handshakes, struct str subject, struct str key, struct str address, enum err e);
