/* flood_report.c - what gateways refused to one whose it was, as alerts. */
// SPDX-License-Identifier: Apache-2.0
#include <stdlib.h>
#include <string.h>

#include "services/auth/alerts/alerts.h"

static int compare_text(struct str a, struct str b)
{
    int order = memcmp(a.len > 0 ? a.at : "", b.len > 0 ? b.at : "", a.len < b.len ? a.len : b.len);

    return order != 0 ? order : (a.len > b.len) - (a.len < b.len);
}

static int compare_floods(const void *a, const void *b)
{
    const struct flood *x = a, *y = b;
    const struct str xs[] = { x->kind, x->address, x->subject, x->key };
    const struct str ys[] = { y->kind, y->address, y->subject, y->key };
    int order = 0;

    for (size_t i = 0; i < COUNT(xs) && order == 0; i++) order = compare_text(xs[i], ys[i]);
    return order;
}

/* In one order for all gateways: alerts that are counted are locked until the commit. */
enum err flood_report(struct call *call, const struct flood_batch *req, struct nothing *rep)
{
    (void)rep;
    qsort(req->floods.at, req->floods.len, sizeof *req->floods.at, compare_floods);
    for (size_t i = 0; i < req->floods.len; i++) {
        const struct flood *flood = &req->floods.at[i];
        struct alert_about about = { .address = flood->address,
            .subject = flood->subject,
            .key = flood->key,
            .detail = flood->rate,
            .times = flood->times };
        if (!alert_find_kind(flood->kind, &about.kind))
            return call_fail(call, ERR_INVALID_ARGUMENT, "kind: no alert is called so");
        TRY(alert_raise(call->pg, call->arena, &about));
    }
    return OK;
}
