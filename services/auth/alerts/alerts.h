/*
 * alerts.h - what an operator is told of at once: rows of proto/alerts.def.
 *
 *      alert_raise, in the caller's transaction --new--> gateways, by the trust: sockets in /system that may list alerts
 *                       |                          \--> the job alert.tell: the log, and the webhook
 *                       \--alike, while it is open--> counted; told once more, at its end, how often
 *
 * What somebody can cause as often as they like makes no more alerts than the row has it.
 */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "services/auth/auth.h"

enum alert_kind {
#define ALERT(kind, quiet_s, most, doc) ALERT_##kind,
#include "proto/begin.def"
#include "proto/alerts.def"
#include "proto/end.def"
    ALERT_KINDS
};

struct alert_about {
    enum alert_kind kind;
    struct str address, subject, key; /* whom it is about: at most one of them */
    struct str detail;
    int64_t times; /* 0: once */
    struct id id;  /* of the alert, if it is a new one; nil: any */
};

/* On a worker. */
enum err alert_raise(struct pg *pg, struct arena *arena, const struct alert_about *about) MUST_CHECK;
/* That one is over, and what it was in all; it is told once more.  not_found: there is none of this id that goes on. */
enum err alert_end(struct pg *pg, struct arena *arena, const struct alert_news *news) MUST_CHECK;
bool alert_find_kind(struct str name, enum alert_kind *out);
