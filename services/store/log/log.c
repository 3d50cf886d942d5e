/* log.c - for gateways, which have asked chat whom they serve: what they missed, and where each room is now. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/db/pg.h"
#include "services/store/store.h"

enum err log_since(struct call *call, const struct log_query *req, struct message_page *rep)
{
    TRY(history_floor(call->pg, call->arena, req->room, req->reads_after, &rep->after));
    if (rep->after < req->after) rep->after = req->after;
    TRY(log_page(call->pg, call->arena,
        &(struct slice){ .room = req->room, .reader = call->who->sub, .after = rep->after, .limit = req->limit }, rep));
    if (rep->after < rep->first - 1) rep->after = rep->first - 1; /* its beginning has moved meanwhile */
    return OK;
}

static const char HEADS[] = "SELECT r.room, COALESCE(h.seq, 0) AS seq FROM unnest($1) WITH ORDINALITY AS r (room, n)"
                            " LEFT JOIN room_head h ON h.room_id = r.room ORDER BY r.n";

enum err log_heads(struct call *call, const struct log_rooms *req, struct log_heads *rep)
{
    return pg_all(call->pg, call->arena, log_head_shape(), &rep->heads, req->rooms.len, HEADS,
        PG_ARGS(pg_ids(call->arena, req->rooms)));
}
