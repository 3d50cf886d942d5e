/* password_proof.c - an account's password is asked for. */
// SPDX-License-Identifier: Apache-2.0
#include "services/auth/users/password_proof.h"

enum err password_proof_begin(struct password_proof *proof, struct call *call, struct str password)
{
    proof->call = call;
    if (password_keep(password, &proof->password)) return OK;
    return call_fail(call, ERR_PASSWORD_TOO_LONG, "password: has more than %d bytes", PASSWORD_BYTES_MAX);
}

enum err password_proof_find(struct password_proof *proof, struct pg *pg, struct str typed, const char *state)
{
    struct arena *arena = proof->call->arena;
    const char *why = NULL;
    struct email email;

    enum err e = email_read(pg, arena, typed, &email, &why);
    if (why != NULL) return OK;
    TRY(e);
    proof->budget.account = email.key;
    e = account_by_key(pg, arena, email.key, &proof->account);
    if (e == ERR_NOT_FOUND) return OK;
    TRY(e);
    proof->may = str_is(proof->account.state, state);
    proof->budget.account = id_text(arena, proof->account.id);
    return OK;
}

enum err password_proof_ask(struct password_proof *proof, struct pg *pg)
{
    struct call *call = proof->call;

    if (proof->budget.account.len == 0) return OK; /* no account has it: the time is spent, and nothing is guessed at */
    proof->budget.address = call->who->address;
    proof->budget.now = call->now;
    enum err e = budget_ask(pg, call->arena, &proof->budget);
    proof->taken = e == OK;
    if (e != ERR_RATE_LIMITED) return e;
    call->why->retry_after_ms = proof->budget.retry_after_ms;
    return password_proof_note(proof, pg, call_fail(call, e, "Too many wrong passwords"));
}

void password_proof_compare(struct password_proof *proof)
{
    proof->fits = password_fits(
        auth_password_rule(auth_settings(proof->call)), &proof->password, proof->account.password, proof->may);
    proof->taken = proof->taken && proof->fits;
}

enum err password_proof_note(const struct password_proof *proof, struct pg *pg, enum err result)
{
    const struct call *call = proof->call;

    TRY(attempt_note(pg, call->arena,
        &(struct attempt){ .kind = proof->kind,
            .subject = id_is_nil(proof->account.id) ? STR_NONE : id_text(call->arena, proof->account.id),
            .address = call->who->address,
            .device = call->who->agent,
            .trace = call->trace,
            .result = result }));
    if (result != OK) TRY(pg_commit(pg));
    return result;
}

/* --- what was taken and not compared --- */

struct giving_back {
    struct password_proof *proof;
    enum err failed;
    void (*done)(void *arg, enum err e);
    void *arg;
};

static enum err give_back(struct pg *pg, struct arena *arena, void *arg)
{
    struct giving_back *back = arg;

    return budget_return(pg, arena, &back->proof->budget);
}

static void on_given_back(void *arg, enum err e)
{
    struct giving_back *back = arg;

    (void)e;
    back->done(back->arg, back->failed);
}

void password_proof_end(struct password_proof *proof, enum err e, void (*done)(void *arg, enum err e), void *arg)
{
    struct call *call = proof->call;

    password_forget(&proof->password);
    if (proof->taken) {
        struct giving_back *back = arena_alloc(call->arena, sizeof *back);
        *back = (struct giving_back){ proof, e, done, arg };
        if (rpc_server_work(call->server, rpc_call_lane(call), give_back, on_given_back, back)) return;
    }
    done(arg, e);
}
