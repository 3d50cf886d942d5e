/*
 * mentions.h - who is mentioned in which message.
 *
 * @ and a nickname, which is written in capitals or not, mentions a member of the room; of a member who is no user, @ and the subject as it is.  The
 * longest that the text behind the @ begins with counts, if it ends there: name_ends() in migrations/chat.  `@room` mentions everybody, if the sender has
 * the right mention_all; `@here` those of them who are there, as others see it.  All as it is when the log is read, a moment behind the acknowledgement.  An edit says anew whom its message mentions.
 */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "services/chat/chat.h"

/* mention_spread.c: the job that finds out whom `@here` of a message mentions, of the members behind this subject; or that it mentions nobody more. */
enum err mention_put_spread(struct call *call, struct id room, int64_t seq, struct str after) MUST_CHECK;

/* What mentions a user who is erased, and what they said that mentions others. */
enum err mentions_erase_some(struct call *call, struct str subject, int64_t most, int64_t *n) MUST_CHECK;
