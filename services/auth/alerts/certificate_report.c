/* certificate_report.c - certificates of gateways that should have been renewed by now, as an alert. */
// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>

#include "services/auth/alerts/alerts.h"

#define DETAIL_BYTES 100 /* proto/auth.def: alert.detail */
#define MORE_BYTES   15  /* of them: how many are not named */
#define LIFE_BYTES   100 /* of one, by the bounds of its fields */

static void name_late(const struct certificate_lives *lives, struct buf *detail)
{
    char life[LIFE_BYTES];

    for (size_t i = 0; i < lives->certificates.len; i++) {
        const struct certificate_life *one = &lives->certificates.at[i];
        int len = snprintf(
            life, sizeof life, "%s%.*s %lld%%", i > 0 ? ", " : "", STR_ARG(one->file), (long long)one->percent);
        if (detail->len + (size_t)len > DETAIL_BYTES - MORE_BYTES) {
            buf_printf(detail, " and %zu more", lives->certificates.len - i);
            return;
        }
        buf_add_str(detail, (struct str){ life, (size_t)len });
    }
}

enum err certificate_report(struct call *call, const struct certificate_lives *req, struct nothing *rep)
{
    struct alert_about about = { .kind = ALERT_certificate_ends };
    struct buf detail = BUF(DETAIL_BYTES + 1);

    (void)rep;
    if (req->certificates.len == 0) return OK;
    name_late(req, &detail);
    about.detail = arena_str(call->arena, buf_str(&detail));
    buf_free(&detail);
    return alert_raise(call->pg, call->arena, &about);
}
