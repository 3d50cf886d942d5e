/*
 * feeds.h - consumers of the logs, behind the acknowledgement: FEED rows of proto/store.def.
 *
 *      a commit --feeds_note--> rooms that have something --+
 *      sweep: rooms behind their head ----------------------+--> read from each's place --> chat: consequence + position,
 *                 (at the start, then once a minute)               on, 200 entries at most       one transaction
 *                                                            ^                                        |
 *                                                            +--- place kept: feed_place -------------+
 *
 * A message costs no more than a mark on its room: what is handed on is read from the log.  The consumer's position is with what it
 * wrote, so whoever is killed anywhere, each entry has its consequence once: a batch that comes again is behind that position.  Of a room
 * one batch is under way at a time; a room that has much has its turn with the others.  Loop thread only, but for feed_read.c.
 */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/rpc/rpc_server.h"

struct log_feeds;
struct store;
struct ev_loop;

struct log_feeds *feeds_create(struct ev_loop *loop, struct store *store);
void feeds_begin(struct log_feeds *feeds, struct rpc_server *server); /* work may be asked of workers from now on */
void feeds_destroy(struct log_feeds **feeds);
/* Something of the room was committed, at this time. */
void feeds_note(struct log_feeds *feeds, struct id room, int64_t at);
/* What was acknowledged up to this time can be found, as far as this store knows; 0: it has not looked at all rooms yet. */
int64_t feeds_search_until(const struct log_feeds *feeds);
