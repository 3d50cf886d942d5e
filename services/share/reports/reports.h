/*
 * reports.h - what somebody who was shown it reports, and what operators take down.
 *
 *      share.report --one of each network and link--> open --+-- resolve: dismissed
 *                                                            +-- resolve: taken_down, as by takedown.put
 *
 *      a link, a conversation:   shown <--takedown.lift-- --takedown.put--> shown to nobody but its owner
 *
 * What is taken down opens nothing, in the words of a code that never was: LINKS_THAT_OPEN of links.h, and conversation_get.c.  Its owner
 * sees that it is and why, is told so by mail, and makes no link to such a conversation and no other like it.  Who reported it they
 * are not told.  What operators do is in the audit (libshared/jobs/deeds.h), in the transaction that does it.
 */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "services/share/links/links.h"

/* proto/report_reasons.def. */
struct report_reason {
    const char *name, *en, *ko;
};
#define REPORT_REASONS 5
extern const struct report_reason report_reasons[REPORT_REASONS];
bool report_reason_is(struct str name);

/* share_report.c: by whoever has opened it; link_find() has been run.  forbidden: they have not. */
enum err report_put(struct call *call, const struct share_report_draft *draft, const struct link_visit *visit,
    struct id link) MUST_CHECK;
extern const struct sealed_column sealed_share_report_email;

/* reports_list.c.  not_found: there is none. */
enum err report_read(struct call *call, struct id id, struct share_report *out) MUST_CHECK;

/* takedown.c: a link, or the whole conversation; what is open of its reports is decided.  Done again it changes nothing. */
struct takedown_of {
    struct id conversation, link; /* nil: all of it */
    struct str reason, note;
};
enum err takedown_do(struct call *call, const struct takedown_of *of, struct takedown *out) MUST_CHECK;
/* Why the caller's own is not shared.  forbidden: it was taken down; not_found, with `missing`: there is none. */
enum err takedown_refuse(struct call *call, struct id conversation, const char *missing) MUST_CHECK;
