/*
 * webhooks.h - servers of other people that are told what happens in a room.
 *
 *      entries of a log, or a deed --> a delivery for each webhook of the room that wants such: a row, in the same transaction, and a job
 *      the job: the oldest that is due --signed, by the one door outwards--> taken: done
 *                                                                       --> else: later, ten times, then dead; the webhook is held meanwhile
 *
 * Of one webhook one delivery is under way at a time, so they come in the order of the log while each is taken.  docs/webhooks.md
 */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/db/sealed_column.h"
#include "services/chat/chat.h"

#define WEBHOOK_KEPT     1000 /* of what was told, and of attempts, the newest */
#define WEBHOOK_ATTEMPTS 10   /* then it is given up */

extern const struct sealed_column webhook_secret_column, webhook_former_column;

/* Roles with the right `webhook`. */
struct str_list webhook_roles(struct arena *arena);
/* Of a statement, of `webhook w`, with the roles: is it told anything? */
#define WEBHOOK_MAY(roles)                                                                                             \
    "EXISTS (SELECT FROM member m WHERE m.room_id = w.room_id AND m.subject = w.made_by AND m.muted_until IS NULL"     \
    " AND m.role = ANY (" roles "))"
#define WEBHOOK_IS_TOLD(roles) "(NOT w.paused AND w.off IS NULL AND " WEBHOOK_MAY(roles) ")"

/* Who tells its owner that it is off: nobody can be called so. */
struct str webhook_teller(struct arena *arena, struct id id);

bool webhook_is_type(struct str type);

/* After the commit somebody tells it what waits.  Too many such jobs: the sweep puts it later. */
enum err webhook_wake(struct call *call, struct id room, struct id webhook, int64_t at) MUST_CHECK;
/* What waits is given up. */
enum err webhook_give_up(struct call *call, struct id webhook) MUST_CHECK;

/* In a step of member_erase.c: webhooks that a user who is erased made, and deliveries that name them. */
enum err webhooks_erase_some(struct call *call, struct str subject, int64_t most, int64_t *n) MUST_CHECK;
