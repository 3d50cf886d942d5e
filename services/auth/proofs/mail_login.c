/*
 * mail_login.c - a sign-in by mail: by its link anywhere, or by its code where it was asked for.
 *
 * Of one mail one is good once: what is taken ends the other, under the account's lock.  A wrong code is a try of its
 * flow, and one of the account's budget.
 */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/base/secret.h"
#include "libshared/db/rows.h"
#include "services/auth/abuse/attempts.h"
#include "services/auth/abuse/budget.h"
#include "services/auth/mail/mail_request.h"
#include "services/auth/sessions/sessions.h"
#include "services/auth/single_use/single_use.h"
#include "services/auth/users/revoke.h"

enum err mail_login_ask(struct call *call, const struct email_ref *req, struct mail_login_begun *rep)
{
    struct login_flow flow = { .code = STR_NONE };
    struct email email;
    const char *why = NULL;

    enum err e = email_read(call->pg, call->arena, req->email, &email, &why);
    if (why != NULL) return call_fail(call, e, "email: %s", why);
    TRY(e);
    flow.email = email.written;
    TRY(single_use_make(call->pg, call->arena, &single_use_login_flow,
        &(struct single_use_draft){ .holder = email.key }, &flow, &rep->flow));
    rep->expires_at = call->now + single_use_login_flow.life_s * 1000;
    return mail_request_put(call, MAIL_REQUEST_SIGN_IN, req->email,
        single_use_hash(call->arena, &single_use_login_flow, rep->flow), &email);
}

static const char LOCK_ACCOUNT[] = "SELECT FROM account WHERE id = $1 FOR UPDATE";

static enum err lock_account(struct call *call, struct id id, struct account *out)
{
    TRY(pg_run(call->pg, call->arena, LOCK_ACCOUNT, PG_ARGS(pg_id(id)), NULL));
    enum err e = account_by_id(call->pg, call->arena, id, out);
    if (e == ERR_NOT_FOUND || (e == OK && !account_is_active(out))) return ERR_GONE;
    return e;
}

static enum err take_link(struct call *call, struct str token, struct account *out)
{
    struct nothing none;
    struct id id;

    TRY(single_use_read(call->pg, call->arena, &single_use_login_link, token, &id, &none));
    TRY(lock_account(call, id, out));
    return single_use_take(call->pg, call->arena, &single_use_login_link, token, &id, &none);
}

static bool is_code(struct str code, struct str typed)
{
    return code.len > 0 && typed.len == code.len && secret_eq(code.at, typed.at, code.len);
}

/* Codes share the budget of all proofs of this account; of what has no account, of what was typed. */
static enum err ask_budget(struct call *call, struct budget_try *who)
{
    enum err e = budget_ask(call->pg, call->arena, who);

    if (e == ERR_RATE_LIMITED) call->why->retry_after_ms = who->retry_after_ms;
    return e;
}

static struct str subject_of(struct call *call, const struct account *account)
{
    char id[ID_TEXT_BYTES + 1];

    id_format(account->id, id);
    return arena_str(call->arena, str_of(id));
}

/* A right code costs its account nothing, also one that comes second. */
static enum err end_flow(struct call *call, struct str secret, struct account *account, const struct budget_try *who)
{
    struct login_flow flow;

    TRY(lock_account(call, account->id, account));
    enum err e = single_use_take(call->pg, call->arena, &single_use_login_flow, secret, NULL, &flow);
    TRY(budget_return(call->pg, call->arena, who));
    if (e == ERR_GONE) TRY(pg_commit(call->pg));
    return e;
}

/* ask_budget() commits the flow's try, too. */
static enum err take_code(struct call *call, struct str secret, struct str typed, struct account *out)
{
    struct budget_try who = { .address = call->who->address, .now = call->now };
    struct login_flow flow;

    TRY(single_use_try(call->pg, call->arena, &single_use_login_flow, secret, NULL, &flow));
    enum err e = account_by_email(call->pg, call->arena, flow.email, out);
    if (e != OK && e != ERR_NOT_FOUND) return e;
    struct str subject = e == OK ? subject_of(call, out) : STR_NONE;
    who.account = subject.len > 0 ? subject : flow.email;
    TRY(ask_budget(call, &who));
    return e == OK && is_code(flow.code, typed)
               ? end_flow(call, secret, out, &who)
               : attempt_refuse(call, attempt_by(call, ATTEMPT_mail, subject.len > 0 ? out->id : (struct id){ { 0 } }),
                     ERR_CREDENTIALS_INVALID);
}

static enum err end_others(struct call *call, const struct account *account)
{
    struct email email;
    const char *why;

    TRY(single_use_end(call->pg, call->arena, &single_use_login_link, account->id));
    TRY(email_read(call->pg, call->arena, account->email, &email, &why));
    return single_use_end_held(call->pg, call->arena, &single_use_login_flow, email.key);
}

static enum err begin_with(
    struct call *call, const struct mail_login_proof *req, struct account *account, struct session_tokens *rep)
{
    TRY(req->token.len > 0 ? take_link(call, req->token, account) : take_code(call, req->flow, req->code, account));
    TRY(end_others(call, account));
    TRY(account_prove_email(call, account, false));
    struct budget_try who = sign_in_try(call, account->id, req->device_token);
    return sign_in(call, account, METHOD_MAIL, &who, req->replaces, rep);
}

enum err mail_login_confirm(struct call *call, const struct mail_login_proof *req, struct session_tokens *rep)
{
    struct account account = { .id = { { 0 } } };

    if ((req->token.len > 0) == (req->flow.len > 0 && req->code.len > 0))
        return call_fail(call, ERR_INVALID_ARGUMENT, "token: is wanted, or flow and code");
    enum err e = begin_with(call, req, &account, rep);
    return attempt_settle(call, attempt_by(call, ATTEMPT_mail, account.id), e);
}
