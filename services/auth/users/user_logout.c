/* user_logout.c - a session ends by its user's wish. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/db/rows.h"
#include "libshared/policy/refresh_token.h"
#include "services/auth/sessions/sessions.h"

struct session_secret {
    struct str secret;
};
static const struct wire_field secret_fields[] = { ROW_FIELD(struct session_secret, secret, BYTES), ROW_END };
static const struct wire_shape secret_shape = { "session_secret", "", sizeof(struct session_secret), secret_fields };

static const char SECRET_OF_SESSION[] = "SELECT secret FROM session WHERE id = $1";

/* Whichever of its refresh tokens: who has one may go on with the session, and so may end it. */
static enum err find_by_token(struct call *call, struct str text, struct id *out)
{
    struct refresh_token token;
    struct session_secret held;

    if (!refresh_token_parse(text, &token)) return ERR_TOKEN_INVALID;
    TRY(pg_one(call->pg, call->arena, &secret_shape, &held, SECRET_OF_SESSION, PG_ARGS(pg_id(token.session))));
    *out = token.session;
    return refresh_token_is_genuine(&token, held.secret) ? OK : ERR_TOKEN_INVALID;
}

/* A token that came from an API key belongs to no session of a user's. */
static enum err find_own(struct call *call, struct id *out)
{
    struct session_secret held;

    if (call->who->key.len > 0 || !id_parse(call->who->session, out)) return ERR_NOT_FOUND;
    return pg_one(call->pg, call->arena, &secret_shape, &held, SECRET_OF_SESSION, PG_ARGS(pg_id(*out)));
}

enum err session_replace(struct call *call, struct str refresh_token)
{
    struct id session;

    if (refresh_token.len == 0) return OK;
    enum err e = find_by_token(call, refresh_token, &session);
    if (e == ERR_NOT_FOUND || e == ERR_TOKEN_INVALID) return OK; /* it is over */
    TRY(e);
    TRY(session_forget(call, session));
    trust_changed(call);
    return OK;
}

enum err user_logout(struct call *call, const struct user_logout *req, struct nothing *rep)
{
    struct id session;

    (void)rep;
    TRY(req->refresh_token.len > 0 ? find_by_token(call, req->refresh_token, &session) : find_own(call, &session));
    TRY(session_forget(call, session));
    trust_changed(call);
    return OK;
}
