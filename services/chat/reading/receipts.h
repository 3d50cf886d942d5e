/*
 * receipts.h - up to where the others have read.
 *
 *      read.mark, after the commit --noted: the room, and since when--> some time later, all such rooms --one statement--> who has come how far since,
 *      and who shall not know --receipt.moved--> each gateway with a listener --> its sockets, each as much as it may see
 *
 * Only that is noted and told which somebody may listen to: of rooms of RECEIPT_NAMES_MAX members at most.  What is noted is a moment, so it
 * is small, and a process that begins notes one from before it began: what was lost with the one before it is told then.
 *
 * Who says something has read up to there, too (read_by_speaking.c): the message says it, and nothing else is told.
 *
 * The loop's.
 */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/rpc/rpc_server.h"

#define RECEIPT_NAMES_MAX                                                                                              \
    200 /* of more members nobody is named; proto/chat.def: receipt_item.hidden_from is twice as many */

struct chat;
struct receipts;

struct receipts *receipts_create(struct chat *chat);
void receipts_destroy(struct receipts **receipts);

/* In a worker: the caller has read on, now. */
void receipts_note(struct call *call, struct id room);
/* A gateway begins to listen to a room. */
void receipts_begin(struct receipts *receipts, struct id room);

/* In a step of member_erase.c. */
enum err receipts_erase(struct call *call, struct str subject, int64_t *rows) MUST_CHECK;

/* Of `member m`, `room r` and `receipt_choice c`, which is theirs or none: where they have read is shown there. */
#define RECEIPT_IS_SHOWN                                                                                               \
    "m.read_at >= r.receipts_since AND coalesce(c.shown, true) AND m.read_at >= coalesce(c.since, '-infinity')"
