/*
 * floods.h - what was refused so often to one whose it was that an operator should know, for auth.
 *
 *      note --the same again--> counted --ten seconds are over--> the largest ones, if they are large: flood.report
 *           --another, and too many are counted--> left out
 *
 * Nobody waits for it, and what cannot be told is dropped: whoever goes on is counted anew.
 */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/base/str.h"
#include "services/gateway/rates/rates.h"

struct floods;
struct in6_addr;
struct service_pipes;

struct floods *floods_create(struct ev_loop *loop, const struct service_pipes *auth);
void floods_destroy(struct floods **floods); /* after the pipe: nothing is answered any more */
/* One more was refused for this rate, by whom it counts. */
void floods_note_rate(void *floods, enum rate rate, struct str who);
/* A connection of this address was closed, for they come too fast or are too many. */
void floods_note_connection(void *floods, const struct in6_addr *from);
