/*
 * knocks.h - who is not in a room asks to be let in, and who may invite there answers.
 *
 *      knock --> there, for a week --yes, or they come in another way--> a member, and the knock is gone
 *                   '------------no, taken back, its time is over, the room is gone---------> gone
 *
 * All of it but the last two is done under the lock of the room's row, so of a knock, an answer and an invitation one comes first.  Who
 * is banned asks like anybody and is seen by nobody, who is blocked not by whom it is with: it is looked at when the list is read.
 */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "services/chat/chat.h"

#define KNOCK_COLUMNS "k.room_id AS room, k.subject, k.body AS text, k.asked_at, k.expires_at" /* of `knock k` */

/* Those who may answer hear that other knocks are there for them: in the transaction in which these subjects' came, or before they go. */
enum err knocks_tell(struct call *call, const struct room *room, struct str_list subjects) MUST_CHECK;
/* These ask no more, and those who may answer hear it; n: how many.  The room is locked. */
enum err knocks_end(struct call *call, struct id room, struct str_list subjects, int64_t *n) MUST_CHECK;
/* The room is deleted: those who ask hear it. */
enum err knocks_tell_end(struct call *call, struct id room) MUST_CHECK;
/* All that an erased user has asked. */
enum err knocks_erase(struct call *call, struct str subject, int64_t *n) MUST_CHECK;
