/* session_end.c - sessions end by their user's wish: one, or many. */
// SPDX-License-Identifier: Apache-2.0
#include "services/auth/sessions/sessions.h"

static const char FORGET_OWN[] = "DELETE FROM session WHERE id = $1 AND account_id::text = $2";

enum err session_end_one(struct call *call, const struct session_own *req, struct nothing *rep)
{
    int64_t rows;

    (void)rep;
    TRY(pg_run(call->pg, call->arena, FORGET_OWN, PG_ARGS(pg_id(req->session), pg_text(call->who->sub)), &rows));
    if (rows == 0) return ERR_NOT_FOUND;
    TRY(session_end_tokens(call, req->session));
    trust_changed(call);
    return OK;
}

enum err session_end_all(struct call *call, const struct session_choice *req, struct sessions_ended *rep)
{
    struct id account;

    if (!id_parse(call->who->sub, &account)) return OK;
    TRY(sessions_end(call, account, req->others, &rep->count));
    trust_changed(call);
    return OK;
}
