/* alert_report.c - what another service tells operators of, as alerts. */
// SPDX-License-Identifier: Apache-2.0
#include "services/auth/alerts/alerts.h"

static const char IS_THERE[] = "SELECT FROM alert WHERE id = $1";

/* One that was told of only when it was over is an alert all the same. */
enum err alert_report(struct call *call, const struct alert_news *req, struct nothing *rep)
{
    struct alert_about about = { .detail = req->detail, .times = req->times, .id = req->id };
    int64_t there = 0;

    (void)rep;
    if (!alert_find_kind(req->kind, &about.kind))
        return call_fail(call, ERR_INVALID_ARGUMENT, "kind: no alert is called so");
    TRY(pg_run(call->pg, call->arena, IS_THERE, PG_ARGS(pg_id(req->id)), &there));
    if (there == 0) TRY(alert_raise(call->pg, call->arena, &about));
    if (!req->over) return OK;
    enum err e = alert_end(call->pg, call->arena, req);
    return e == ERR_NOT_FOUND ? OK : e; /* it was over, or was counted by another */
}
