/* user_password.c - another password, by who knows the present one. */
// SPDX-License-Identifier: Apache-2.0
#include "services/auth/mail/mail.h"
#include "services/auth/users/password_proof.h"
#include "services/auth/users/revoke.h"

struct changing {
    struct rpc_later *later;
    struct call *call;
    struct password_proof proof;
    struct password next;
    struct str hash;
};

static void answer_change(void *arg, enum err e)
{
    struct changing *change = arg;

    rpc_later_done(change->later, e, &(struct nothing){});
}

static void end_change(void *arg, enum err e)
{
    struct changing *change = arg;

    password_forget(&change->next);
    password_proof_end(&change->proof, e, answer_change, change);
}

static enum err find_account(struct pg *pg, struct arena *arena, void *arg)
{
    struct changing *change = arg;
    struct password_proof *proof = &change->proof;
    struct id id;

    if (!id_parse(change->call->who->sub, &id)) return ERR_NOT_FOUND;
    TRY(account_by_id(pg, arena, id, &proof->account));
    if (!account_is_active(&proof->account)) return ERR_NOT_FOUND;
    proof->may = true;
    proof->budget.account = change->call->who->sub;
    return password_proof_ask(proof, pg);
}

static enum err compare_and_hash(struct pg *pg, struct arena *arena, void *arg)
{
    struct changing *change = arg;
    const struct account *account = &change->proof.account;

    (void)pg;
    password_proof_compare(&change->proof);
    if (!change->proof.fits) return OK;
    TRY(password_check(change->call, &change->next, account->email, account->nickname));
    change->hash = user_password_hash(auth_settings(change->call), arena, &change->next);
    return change->hash.len > 0 ? OK : ERR_INTERNAL;
}

/* Only if it is still the one that was compared. */
static const char KEEP[] =
    "UPDATE account SET password = $3, changed_at = $4 WHERE id = $1 AND password = $2 AND state = 'active'";

static enum err keep_hash(struct pg *pg, struct arena *arena, void *arg)
{
    struct changing *change = arg;
    struct password_proof *proof = &change->proof;
    struct call call = call_on_worker(change->call, pg, arena);
    struct str device;
    int64_t rows = 0;

    if (proof->fits)
        TRY(pg_run(pg, arena, KEEP,
            PG_ARGS(
                pg_id(proof->account.id), pg_text(proof->account.password), pg_text(change->hash), pg_time(call.now)),
            &rows));
    if (rows == 0) return password_proof_note(proof, pg, ERR_CREDENTIALS_INVALID);
    TRY(account_revoke(&call, proof->account.id, REVOKE_password_changed));
    proof->taken = false;
    TRY(budget_clear(pg, arena, &proof->budget, &device));
    TRY(mail_tell(&call, MAIL_password_changed, proof->account.id));
    return password_proof_note(proof, pg, OK);
}

static const struct rpc_step steps[] = {
    { WORKER, find_account },
    { BLOCKING, compare_and_hash },
    { WORKER, keep_hash },
    { 0 },
};

void user_password(struct call *call, const struct password_change *req, struct rpc_later *later)
{
    struct changing *change = arena_zero(call->arena, sizeof *change);

    change->later = later;
    change->call = call;
    change->proof.kind = ATTEMPT_reset;
    enum err e = password_proof_begin(&change->proof, call, req->password);
    if (call->who->key.len > 0)
        e = ERR_NOT_FOUND;
    else if (e == OK && !password_keep(req->new_password, &change->next))
        e = call_fail(call, ERR_PASSWORD_TOO_LONG, "new_password: has more than %d bytes", PASSWORD_BYTES_MAX);
    if (e == OK)
        rpc_later_steps(later, steps, end_change, change);
    else
        end_change(change, e);
}
