/*
 * moderation.h - what members report, and what who moderates a room keeps from being read.
 *
 *      report.create --one of each reporter and thing--> open --report.resolve, reports.resolve--> resolved, with what was done and why
 *                                                          '-- all that are open about the same thing --'
 *
 *      message.withhold --an entry--> the words lie in `withheld`, and the log has none --message.release, an entry--> they lie in the log again
 *
 * So whatever reads the log, its search and its consumers has no words of what is withheld, and nothing of it asks (batch_effects.c).  Who it is
 * about learns nothing of a report: what is about oneself one does not see either, whatever one's role.  Each decision is in the audit, in the
 * transaction that makes it; what is done to messages follows there from its entry (services/chat/moderation).
 */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "services/store/store.h"

/* Somebody asks something of a room that only who has this right may ask; all of it in the call's arena. */
struct moderation {
    struct store *store;
    struct call *call;
    struct rpc_later *later;
    struct id room;
    enum room_right right;
    const void *req;
    struct log_access may;                                                  /* the caller, once chat has said so */
    void (*go_on)(struct moderation *m);                                    /* then, on the loop; NULL: the work */
    enum err (*work)(struct pg *pg, struct arena *arena, void *moderation); /* what it fails with is the call's */
    void *rep;
};
/* `what` is copied. */
void moderation_begin(struct call *call, const struct moderation *what, struct rpc_later *later);
void moderation_work(struct moderation *m);            /* its work, then the answer */
void moderation_end(struct moderation *m, enum err e); /* the answer */

/* reports.c, in a WORKER or its work.  Who sees it: STR_NONE is an operator, who sees all; `room` nil: of any. */
struct report_place {
    struct id id, room;
    struct str seer;
};
struct report_slice {
    struct id room, after;
    struct str seer, subject, state;
    int64_t limit;
};
enum err report_list_read(struct call *call, const struct report_slice *slice, struct report_page *out) MUST_CHECK;
enum err report_slice_check(struct call *call, struct str state, struct str after, struct id *out) MUST_CHECK;
enum err report_set_assigned(
    struct call *call, const struct report_place *place, struct str to, struct report *out) MUST_CHECK;
enum err report_set_resolved(struct call *call, const struct report_place *place, struct str outcome, struct str note,
    struct report *out) MUST_CHECK;

/* These reports are no more, and their reporters' quotas have of the open ones something back. */
#define REPORTS_GO(which)                                                                                              \
    "WITH gone AS (DELETE FROM report WHERE id IN (SELECT id FROM report WHERE " which ") RETURNING reporter, state)," \
    " less AS (UPDATE usage u SET used = greatest(u.used - g.n, 0) FROM (SELECT reporter, count(*) AS n FROM gone"     \
    "  WHERE state = 'open' GROUP BY reporter) g WHERE u.quota = 'reports' AND u.subject = g.reporter) SELECT FROM "   \
    "gone"

/* Some of what somebody who was erased has reported, and of what was reported of them. */
enum err reports_erase_some(struct call *call, struct str subject, int64_t most, int64_t *rows) MUST_CHECK;
