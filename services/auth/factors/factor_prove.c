/* factor_prove.c - the second factor of a session that is pending. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/db/rows.h"
#include "services/auth/abuse/attempts.h"
#include "services/auth/abuse/bans.h"
#include "services/auth/factors/factors.h"
#include "libshared/policy/refresh_token.h"

static const struct wire_field pending_fields[] = {
    ROW_FIELD(struct session_state, id, ID),
    ROW_FIELD(struct session_state, counter, INT),
    ROW_FIELD(struct session_state, secret, BYTES),
    ROW_FIELD(struct session_state, expires_at, TIME),
    ROW_FIELD(struct session_state, ends_at, TIME),
    ROW_FIELD(struct session_state, authenticated_at, TIME),
    ROW_FIELD(struct session_state, methods, TEXTS),
    ROW_END,
};
static const struct wire_shape pending_shape = { "pending", "", sizeof(struct session_state), pending_fields };

/* Of those who come at once one finds it pending. */
static const char LOCK_PENDING[] =
    "SELECT id, counter, secret, expires_at, ends_at, authenticated_at, methods FROM session"
    " WHERE id = $1 AND account_id = $2 AND pending AND expires_at > $3 FOR UPDATE";
static const char ADMIT[] = "UPDATE session SET pending = false, methods = $2, expires_at = $3, refreshed_at = $4,"
                            " authenticated_at = $4 WHERE id = $1";

static enum err find_pending(struct call *call, struct id session, struct id account, struct session_state *out)
{
    *out = (struct session_state){ .counter = 0 };
    enum err e = pg_one(call->pg, call->arena, &pending_shape, out, LOCK_PENDING,
        PG_ARGS(pg_id(session), pg_id(account), pg_time(call->now)));
    if (e == ERR_NOT_FOUND) return ERR_SESSION_ENDED;
    TRY(e);
    TRY(account_by_id(call->pg, call->arena, account, &out->account));
    return account_is_active(&out->account) ? OK : ERR_SESSION_ENDED;
}

static enum err take_code(struct call *call, struct id account, struct str code, struct str *method)
{
    struct factor_row app;
    bool fits;

    TRY(factor_of_app(call->pg, call->arena, account, &app));
    *method = STR(METHOD_TOTP);
    TRY(totp_take(call, &app, code, &fits));
    if (fits) return OK;
    *method = STR(METHOD_RECOVERY);
    TRY(recovery_codes_take(call, account, code, &fits));
    return fits ? OK : ERR_CREDENTIALS_INVALID;
}

static enum err take_passkey(
    struct call *call, struct id account, const struct passkey_credential *credential, struct str *method)
{
    struct factor_row factor;

    *method = STR(METHOD_PASSKEY);
    TRY(passkey_find(call, credential, &factor));
    if (!id_eq(factor.account_id, account)) return ERR_CREDENTIALS_INVALID;
    return passkey_take(call, credential, &factor);
}

static enum err admit_session(struct call *call, struct session_state *session, struct str method)
{
    struct str *methods = arena_alloc(call->arena, (session->methods.len + 1) * sizeof *methods);

    for (size_t i = 0; i < session->methods.len; i++) methods[i] = session->methods.at[i];
    methods[session->methods.len] = method;
    session->methods = (struct str_list){ methods, session->methods.len + 1 };
    session->authenticated_at = call->now;
    session->expires_at = session_expiry(auth_settings(call), call->now, session->ends_at);
    return pg_run(call->pg, call->arena, ADMIT,
        PG_ARGS(pg_id(session->id), pg_texts(call->arena, session->methods), pg_time(session->expires_at),
            pg_time(call->now)),
        NULL);
}

enum err factor_may_try(struct call *call, struct id account, struct str device, struct budget_try *who)
{
    *who = sign_in_try(call, account, device);
    enum err e = budget_ask(call->pg, call->arena, who);
    call->why->retry_after_ms = who->retry_after_ms;
    return e;
}

/* --- which session it is: the bearer's, or that of a page's cookie --- */

struct factor_holder {
    struct id account_id;
    struct str secret;
};
static const struct wire_field holder_fields[] = {
    ROW_FIELD(struct factor_holder, account_id, ID),
    ROW_FIELD(struct factor_holder, secret, BYTES),
    ROW_END,
};
static const struct wire_shape holder_shape = { "holder", "", sizeof(struct factor_holder), holder_fields };

static const char HOLDER[] = "SELECT account_id, secret FROM session WHERE id = $1 AND pending";

static enum err find_by_token(struct call *call, struct str text, struct id *session, struct id *account)
{
    struct refresh_token token;
    struct factor_holder holder;

    if (!refresh_token_parse(text, &token)) return ERR_TOKEN_INVALID;
    enum err e = pg_one(call->pg, call->arena, &holder_shape, &holder, HOLDER, PG_ARGS(pg_id(token.session)));
    if (e == ERR_NOT_FOUND) return ERR_SESSION_ENDED;
    TRY(e);
    *session = token.session;
    *account = holder.account_id;
    return refresh_token_is_genuine(&token, holder.secret) ? OK : ERR_TOKEN_INVALID;
}

static enum err find_session(struct call *call, const struct factor_proof *req, struct id *session, struct id *account)
{
    if (req->pending_token.len > 0) return find_by_token(call, req->pending_token, session, account);
    if (call->who->sub.len == 0) return ERR_SESSION_ENDED; /* a page whose cookie is over */
    return id_parse(call->who->sub, account) && id_parse(call->who->session, session) ? OK : ERR_NOT_FOUND;
}

/* --- all of it --- */

static enum err prove_session(
    struct call *call, const struct factor_proof *req, struct id id, struct id account, struct session_tokens *rep)
{
    struct session_state session;
    struct str method = STR_NONE;

    TRY(find_pending(call, id, account, &session));
    TRY(req->credential != NULL ? take_passkey(call, account, req->credential, &method)
                                : take_code(call, account, req->code, &method));
    TRY(ban_check(call->pg, call->arena, call->who->sub));
    TRY(admit_session(call, &session, method));
    TRY(session_replace(call, req->replaces));
    return session_tokens_of(call->pg, call->arena, call, &session, rep);
}

enum err factor_prove(struct call *call, const struct factor_proof *req, struct session_tokens *rep)
{
    struct budget_try who;
    struct id session, account;

    if ((req->code.len > 0) == (req->credential != NULL))
        return call_fail(call, ERR_INVALID_ARGUMENT, "code: either this or credential is there");
    TRY(find_session(call, req, &session, &account));
    struct attempt attempt = attempt_by(call, ATTEMPT_factor, account);
    enum err e = factor_may_try(call, account, req->device_token, &who);
    if (e == OK) e = prove_session(call, req, session, account, rep);
    if (e == ERR_CREDENTIALS_INVALID) return attempt_refuse(call, attempt, e);
    TRY(attempt_settle(call, attempt, e));
    return sign_in_device(call, account, &who, &rep->device_token);
}
