/* session_list.c - the sessions of an account: one's own, or another's; and which of some go on. */
// SPDX-License-Identifier: Apache-2.0
#include "services/auth/sessions/sessions.h"

#define LIST_MAX 100 /* proto/auth.def: session_page; session.c lets no account have more */

static const char SESSIONS[] =
    "SELECT id, id::text = $2 AS is_this, device, host(address) AS address, methods, created_at,"
    " refreshed_at, expires_at FROM session WHERE account_id = $1 AND NOT pending AND expires_at > $3"
    " ORDER BY refreshed_at DESC, id DESC LIMIT $4";

enum err sessions_of(struct call *call, struct id account, struct session_page *rep)
{
    return pg_all(call->pg, call->arena, session_shape(), &rep->sessions, LIST_MAX, SESSIONS,
        PG_ARGS(pg_id(account), pg_text(call->who->session), pg_time(call->now), pg_int(LIST_MAX)));
}

enum err session_list(struct call *call, const struct nothing *req, struct session_page *rep)
{
    struct id account;

    (void)req;
    return id_parse(call->who->sub, &account) ? sessions_of(call, account, rep) : OK;
}

static const char GOING[] =
    "SELECT coalesce(array_agg(id), '{}') AS sessions FROM session WHERE id = ANY ($1) AND NOT pending AND expires_at >"
    " $2";

enum err session_going(struct call *call, const struct session_ids *req, struct session_ids *rep)
{
    return pg_one(call->pg, call->arena, session_ids_shape(), rep, GOING,
        PG_ARGS(pg_ids(call->arena, req->sessions), pg_time(call->now)));
}
