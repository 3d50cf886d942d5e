/*
 * drafts.h - what somebody has begun to write: rows of the table `draft`, one for each of their rooms and threads, beside the logs.
 *
 *      draft.set --is there the version that it follows?--> a row of a new version --draft.clear, message.append, .schedule with its version--> gone
 *                             |no                              ^         |
 *                             +--> precondition_failed         +---------+ draft.set
 *
 * Versions come from one sequence, and no two drafts have the same: so whoever still has one that was sent, or cleared, does not bring it back,
 * though nothing is kept of what is gone.
 */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "services/store/store.h"

/* On a worker: the caller's draft goes, unless it is newer than `version`; 0: in any case.  *gone: its version, 0 if none went. */
enum err draft_remove(struct call *call, const struct draft_ref *ref, int64_t *gone) MUST_CHECK;
/* On the loop, after the commit. */
void draft_tell(struct rpc_server *server, const struct draft_news *news);
/* A message begins its way into the log, and the draft that it was goes before the answer. */
void draft_send(struct call *call, const struct message *message, int64_t version, struct rpc_later *later);
