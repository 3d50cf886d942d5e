/* user_login.c - a password becomes a session: of an account that is active, or of one that comes back. */
// SPDX-License-Identifier: Apache-2.0
#include "services/auth/sessions/sessions.h"
#include "services/auth/users/password_proof.h"

struct login_call {
    struct rpc_later *later;
    struct call *call;
    const struct user_login *req;
    struct password_proof proof;
    bool returns;      /* the account is about to be deleted, and shall not be */
    struct str rehash; /* the same password's, as the settings want it; none: as it is */
    struct session_tokens tokens;
};

static enum err find_account(struct pg *pg, struct arena *arena, void *arg)
{
    struct login_call *login = arg;

    (void)arena;
    login->proof.budget.device = login->req->device_token;
    TRY(password_proof_find(&login->proof, pg, login->req->email, login->returns ? "leaving" : "active"));
    return password_proof_ask(&login->proof, pg);
}

static enum err compare_password(struct pg *pg, struct arena *arena, void *arg)
{
    struct login_call *login = arg;
    const struct settings_auth *s = auth_settings(login->call);

    (void)pg;
    password_proof_compare(&login->proof);
    if (login->proof.fits && password_is_stale(auth_password_rule(s), login->proof.account.password))
        login->rehash = user_password_hash(s, arena, &login->proof.password);
    return OK;
}

/* --- on a worker, once more: the session --- */

static const char LOCK_ACCOUNT[] = "SELECT FROM account WHERE id = $1 FOR UPDATE";
static const char REHASH[] = "UPDATE account SET password = $2 WHERE id = $1";
/* Only if the password is still the one that was compared. */
static enum err lock_account(struct login_call *login, struct pg *pg, struct account *out)
{
    struct arena *arena = login->call->arena;
    const struct account *compared = &login->proof.account;

    if (!login->proof.fits) return ERR_CREDENTIALS_INVALID;
    TRY(pg_run(pg, arena, LOCK_ACCOUNT, PG_ARGS(pg_id(compared->id)), NULL));
    enum err e = account_by_id(pg, arena, compared->id, out);
    if (e == ERR_NOT_FOUND) return ERR_CREDENTIALS_INVALID;
    TRY(e);
    bool is_same = str_eq(out->state, compared->state) && str_eq(out->password, compared->password);
    return is_same ? OK : ERR_CREDENTIALS_INVALID;
}

static enum err admit_account(struct login_call *login, struct call *call)
{
    struct account account;

    TRY(lock_account(login, call->pg, &account));
    if (login->returns) TRY(account_take_back(call, &account));
    if (login->rehash.len > 0)
        TRY(pg_run(call->pg, call->arena, REHASH, PG_ARGS(pg_id(account.id), pg_text(login->rehash)), NULL));
    TRY(sign_in(call, &account, METHOD_PASSWORD, &login->proof.budget, login->req->replaces, &login->tokens));
    login->proof.taken = false;
    return OK;
}

static enum err begin_session(struct pg *pg, struct arena *arena, void *arg)
{
    struct login_call *login = arg;
    struct call call = call_on_worker(login->call, pg, arena);

    enum err e = admit_account(login, &call);
    if (e != OK && e != ERR_CREDENTIALS_INVALID && e != ERR_BANNED) return e;
    if (e != OK) pg_rollback(pg); /* nothing stays of a refusal but its note */
    return password_proof_note(&login->proof, pg, e);
}

/* --- on the loop --- */

static void answer_login(void *arg, enum err e)
{
    struct login_call *login = arg;

    rpc_later_done(login->later, e, &login->tokens);
}

static void end_login(void *arg, enum err e)
{
    struct login_call *login = arg;

    password_proof_end(&login->proof, e, answer_login, login);
}

static const struct rpc_step steps[] = {
    { WORKER, find_account },
    { BLOCKING, compare_password },
    { WORKER, begin_session },
    { 0 },
};

static void begin_login(struct call *call, const struct user_login *req, struct rpc_later *later, bool returns)
{
    struct login_call *login = arena_zero(call->arena, sizeof *login);

    login->later = later;
    login->call = call;
    login->req = req;
    login->returns = returns;
    login->proof.kind = ATTEMPT_login;
    enum err e = password_proof_begin(&login->proof, call, req->password);
    if (e == OK)
        rpc_later_steps(later, steps, end_login, login);
    else
        end_login(login, e);
}

void user_login(struct call *call, const struct user_login *req, struct rpc_later *later)
{
    begin_login(call, req, later, false);
}

void user_return(struct call *call, const struct user_login *req, struct rpc_later *later)
{
    begin_login(call, req, later, true);
}
