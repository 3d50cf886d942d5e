/* alert_list.c - alerts, the newest first. */
// SPDX-License-Identifier: Apache-2.0
#include "services/auth/alerts/alerts.h"
#include "services/auth/id_page.h"

#define COLUMNS                                                                                                        \
    "SELECT id, kind, nullif(address, '') AS address, nullif(subject, '') AS subject, nullif(key, '') AS key,"         \
    " nullif(detail, '') AS detail, at, last_at, times, over_at FROM alert WHERE ($1::text IS NULL OR kind = $1)"

static const char BEHIND[] = COLUMNS
    " AND ($2::uuid IS NULL OR (at, id) < (SELECT at, id FROM alert WHERE id = $2)) ORDER BY at DESC, id DESC LIMIT $3";
static const char AHEAD[] =
    "SELECT * FROM (" COLUMNS " AND (at, id) > (SELECT at, id FROM alert WHERE id = $2) ORDER BY at, id LIMIT $3) page"
    " ORDER BY at DESC, id DESC";
static const char PLACE[] = "SELECT count(*) AS total, count(*) FILTER (WHERE (at, id) > (SELECT at, id FROM alert"
                            " WHERE id = $2)) AS ahead FROM alert WHERE ($1::text IS NULL OR kind = $1)";

enum err alert_list(struct call *call, const struct alert_query *req, struct alert_page *rep)
{
    struct pg_arg kind = pg_text(req->kind.len > 0 ? req->kind : STR_NONE);
    struct id_place place = { 0, 0 };
    struct id cursor, first = { { 0 } }, last = first;
    bool is_ahead;

    TRY(id_page_read(call, req->after, &is_ahead, &cursor));
    TRY(pg_all(call->pg, call->arena, alert_shape(), &rep->alerts, (size_t)req->limit, is_ahead ? AHEAD : BEHIND,
        PG_ARGS(kind, pg_id(cursor), pg_int(req->limit))));
    size_t n = rep->alerts.len;
    if (n > 0) first = rep->alerts.at[0].id, last = rep->alerts.at[n - 1].id;
    TRY(pg_one(call->pg, call->arena, &id_place_shape, &place, PLACE, PG_ARGS(kind, pg_id(first))));
    rep->meta = id_page_meta(call, req->limit, n, first, last, &place);
    return OK;
}
