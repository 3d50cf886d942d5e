/* oauth_login.c - the code that a browser came back with becomes a session. */
// SPDX-License-Identifier: Apache-2.0
#include "services/auth/abuse/attempts.h"
#include "services/auth/oauth/oauth.h"
#include "services/auth/oauth/sha256.h"
#include "services/auth/sessions/sessions.h"
#include "services/auth/single_use/single_use.h"

/* A code that comes with another's verifier has been seen by somebody else: it is used up. */
static enum err begin_with(struct call *call, const struct oauth_proof *proof, bool returns, struct account *account,
    struct session_tokens *rep)
{
    struct oauth_code claim;
    struct id id;

    TRY(single_use_take(call->pg, call->arena, &single_use_oauth_login, proof->code, &id, &claim));
    TRY(account_by_id(call->pg, call->arena, id, account));
    bool is_theirs = str_eq(sha256_text(call->arena, proof->verifier), claim.challenge);
    enum err e = is_theirs ? account_admit(call, account, returns) : ERR_CREDENTIALS_INVALID;
    if (e == ERR_CREDENTIALS_INVALID)
        return attempt_refuse(call, attempt_by(call, ATTEMPT_oauth, account->id), ERR_CREDENTIALS_INVALID);
    TRY(e);
    struct budget_try who = sign_in_try(call, account->id, proof->device_token);
    struct str method = arena_printf(call->arena, METHOD_OAUTH "%.*s", STR_ARG(claim.provider));
    return sign_in(call, account, arena_cstr(call->arena, method), &who, proof->replaces, rep);
}

static enum err sign_in_with(
    struct call *call, const struct oauth_proof *proof, bool returns, struct session_tokens *rep)
{
    struct account account = { .id = { { 0 } } };
    enum err e = begin_with(call, proof, returns, &account, rep);

    return attempt_settle(call, attempt_by(call, ATTEMPT_oauth, account.id), e);
}

/* An account that is about to be deleted leaves the code good, for oauth.return. */
enum err oauth_login(struct call *call, const struct oauth_proof *proof, struct session_tokens *rep)
{
    return sign_in_with(call, proof, false, rep);
}

enum err oauth_return(struct call *call, const struct oauth_proof *proof, struct session_tokens *rep)
{
    return sign_in_with(call, proof, true, rep);
}
