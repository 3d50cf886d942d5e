/*
 * push.h - what no socket of somebody's has taken is posted to the operator's server, which has it shown on their devices, and to push services of their browsers.
 *
 *      notifications_put --> a row of `push` for each receiver, due some seconds later, and the job of its lane, in the same transaction
 *      the job: is it still to be told, unread, not heard, not too quiet? --by the one door outwards--> taken: the row goes
 *                                                                                                  --> else: later, for a day; what else is for that receiver waits meanwhile
 *
 *      push_put.c        rows                                push_subscribe.c  browsers come and go
 *      push_send.c       the job                             push_browser.c    what a browser is sent, encrypted, and what its push service's answer means
 *
 * Of a subject one is under way at a time to the operator's server, and one to browsers; of all subjects one for each of sixteen lanes.  docs/push.md
 */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/db/sealed_column.h"
#include "services/chat/chat.h"

struct push;

extern const struct sealed_column push_keys_column, push_secret_column;

/* Exits if the settings make no sense. */
struct push *push_create(const struct settings_chat *settings, const char *public_url);
void push_destroy(struct push **push);

/* In the transaction that has made these notifications, or made them anew. */
enum err push_put(struct call *call, struct notification_mark_list told) MUST_CHECK;
/* In a step of member_erase.c: browsers of a user who is erased. */
enum err push_erase(struct call *call, struct str subject, int64_t *n) MUST_CHECK;
