/*
 * reset.c - a new password, with what was mailed.
 *
 *      worker: is the token good? --> BLOCKING thread: hash --> worker: take it, set the password, end all sessions
 *
 * So nobody without a good token has anything hashed, and the token is good once, whoever hashes at the same time.
 */
// SPDX-License-Identifier: Apache-2.0
#include "services/auth/abuse/attempts.h"
#include "services/auth/abuse/bans.h"
#include "services/auth/mail/mail.h"
#include "services/auth/mail/mail_request.h"
#include "services/auth/single_use/single_use.h"
#include "services/auth/users/revoke.h"
#include "services/auth/users/users.h"

enum err reset_ask(struct call *call, const struct email_ref *req, struct nothing *rep)
{
    struct email email;

    (void)rep;
    return mail_request_put(call, MAIL_REQUEST_RESET, req->email, STR_NONE, &email);
}

struct reset {
    struct rpc_later *later;
    struct call *call;
    const struct reset_proof *proof;
    struct password password;
    struct str hash;
};

static void answer_reset(void *arg, enum err e)
{
    struct reset *reset = arg;
    struct nothing none;

    password_forget(&reset->password);
    rpc_later_done(reset->later, e, &none);
}

/* --- on a worker --- */

static enum err look_at_token(struct pg *pg, struct arena *arena, void *arg)
{
    struct reset *reset = arg;
    struct call call = call_on_worker(reset->call, pg, arena);
    struct nothing none;
    struct id id = { { 0 } };
    enum err e = single_use_read(pg, arena, &single_use_reset, reset->proof->token, &id, &none);

    if (e == OK) e = ban_check(pg, arena, id_text(arena, id));
    return e == OK ? OK : attempt_settle(&call, attempt_by(&call, ATTEMPT_reset, id), e);
}

/* --- on a thread for passwords --- */

static enum err hash_password(struct pg *pg, struct arena *arena, void *arg)
{
    struct reset *reset = arg;

    (void)pg;
    TRY(password_check(reset->call, &reset->password, STR_NONE, STR_NONE));
    reset->hash = user_password_hash(auth_settings(reset->call), arena, &reset->password);
    return reset->hash.len > 0 ? OK : ERR_INTERNAL;
}

/* --- on a worker, once more --- */

static const char SET_PASSWORD[] =
    "UPDATE account SET password = $2, changed_at = $3 WHERE id = $1 AND state = 'active'";

static enum err take_token(struct call *call, const struct reset *reset, struct id *id)
{
    struct account account;
    struct nothing none;
    int64_t rows;

    TRY(single_use_take(call->pg, call->arena, &single_use_reset, reset->proof->token, id, &none));
    TRY(pg_run(
        call->pg, call->arena, SET_PASSWORD, PG_ARGS(pg_id(*id), pg_text(reset->hash), pg_time(call->now)), &rows));
    if (rows == 0) return ERR_GONE;
    TRY(account_by_id(call->pg, call->arena, *id, &account));
    TRY(account_prove_email(call, &account, true));
    return account_revoke(call, *id, REVOKE_password_reset);
}

static enum err set_password(struct pg *pg, struct arena *arena, void *arg)
{
    struct reset *reset = arg;
    struct call call = call_on_worker(reset->call, pg, arena);
    struct id id = { { 0 } };
    enum err e = take_token(&call, reset, &id);

    TRY(attempt_settle(&call, attempt_by(&call, ATTEMPT_reset, id), e));
    return mail_tell(&call, MAIL_password_changed, id);
}

static const struct rpc_step steps[] = {
    { WORKER, look_at_token },
    { BLOCKING, hash_password },
    { WORKER, set_password },
    { 0 },
};

void reset_confirm(struct call *call, const struct reset_proof *proof, struct rpc_later *later)
{
    struct reset *reset = arena_zero(call->arena, sizeof *reset);

    reset->later = later;
    reset->call = call;
    reset->proof = proof;
    if (password_keep(proof->password, &reset->password))
        rpc_later_steps(later, steps, answer_reset, reset);
    else
        answer_reset(
            reset, call_fail(call, ERR_PASSWORD_TOO_LONG, "password: has more than %d bytes", PASSWORD_BYTES_MAX));
}
