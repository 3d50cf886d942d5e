/*
 * push.h - what no socket of somebody's has taken is posted to the operator's server, which has it shown on their devices.
 *
 *      notifications_put --> row of `push`, due some seconds later, and the job of its lane, in the same transaction
 *      the job: is it still to be told, unread, not heard, not too quiet? --signed, by the one door outwards--> taken: the row goes
 *                                                                                                         --> else: later, for a day; all of the receiver's are held meanwhile
 *
 * Of a subject one is under way at a time, of all subjects one for each of eight lanes.  docs/push.md
 */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "services/chat/chat.h"

struct push;

struct push *push_create(const struct settings_chat *settings);
void push_destroy(struct push **push);

/* In the transaction that has made these notifications, or made them anew. */
enum err push_put(struct call *call, struct notification_mark_list told) MUST_CHECK;
