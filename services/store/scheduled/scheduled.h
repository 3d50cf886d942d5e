/*
 * scheduled.h - messages that are sent later: rows of the table `scheduled`, beside the logs.
 *
 *      message.schedule --> a row --at its time, schedule.run--> `sending` --entry_send()--> in the log --> the row goes
 *                           ^  |                                                |
 *         scheduled.change, |  +--scheduled.cancel--> gone                      +--refused--> stays, with the reason
 *         scheduled.send ---+                                                   +--nobody knows--> again, a while later
 *
 * It goes the way of any message, under the id that its author chose when it was scheduled: so whoever dies, it is in the log once.
 * Between the commit that says `sending` and the one that ends it nobody else touches the row: of a cancellation and the sending one wins.
 */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "services/store/store.h"

/* Of a scheduled_message. */
#define SCHEDULED_COLUMNS "room_id AS room, id, send_at, body, meta, thread, attachments, made_at, refused, why"

enum err scheduled_check_time(struct call *call, int64_t send_at) MUST_CHECK;
/* On a worker: it is looked for what is due at this time. */
enum err scheduled_wake(struct call *call, int64_t at) MUST_CHECK;
/* On the loop, after the commit. */
void scheduled_tell(struct rpc_server *server, const struct scheduled_news *news);
