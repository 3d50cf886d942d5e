/* verification.c - an e-mail address is proved with what was mailed to it. */
// SPDX-License-Identifier: Apache-2.0
#include "services/auth/abuse/attempts.h"
#include "services/auth/abuse/bans.h"
#include "services/auth/mail/mail.h"
#include "services/auth/mail/mail_request.h"
#include "services/auth/single_use/single_use.h"

enum err verification_ask(struct call *call, const struct email_ref *req, struct nothing *rep)
{
    struct email email;

    (void)rep;
    return mail_request_put(call, MAIL_REQUEST_VERIFY, req->email, STR_NONE, &email);
}

enum err verification_ask_own(struct call *call, const struct nothing *req, struct nothing *rep)
{
    struct account account;
    struct id id;

    (void)req, (void)rep;
    if (!id_parse(call->who->sub, &id)) return ERR_NOT_FOUND;
    TRY(account_by_id(call->pg, call->arena, id, &account));
    if (account.email.len == 0) return ERR_EMAIL_REQUIRED;
    if (account.email_verified_at != 0) return OK;
    struct registration_claim claim = { .email = account.email };
    return mail_put(call, MAIL_verify, &(struct mail_to){ .account = id, .carries = &claim }, NULL);
}

/* The account's own address, if it has not changed since. */
static const char PROVE_ADDRESS[] =
    "UPDATE account SET email_verified_at = coalesce(email_verified_at, $3), changed_at = $3"
    " WHERE id = $1 AND email = $2 AND state = 'active'";

static enum err prove_address(struct call *call, struct id id, struct str email, struct account *out)
{
    int64_t rows;

    TRY(pg_run(call->pg, call->arena, PROVE_ADDRESS, PG_ARGS(pg_id(id), pg_text(email), pg_time(call->now)), &rows));
    return rows == 1 ? account_by_id(call->pg, call->arena, id, out) : ERR_GONE;
}

static enum err read_names(
    struct call *call, const struct registration_claim *claim, struct str nickname, struct account_draft *draft)
{
    const char *why = NULL;
    enum err e = email_read(call->pg, call->arena, claim->email, &draft->email, &why);

    if (e != OK) return e == ERR_INVALID_ARGUMENT ? ERR_GONE : e; /* rules have changed since */
    e = nickname_read(call->pg, call->arena, nickname.len > 0 ? nickname : claim->nickname, &draft->nickname, &why);
    return why != NULL ? call_fail(call, e, "nickname: %s", why) : e;
}

/* If the address is somebody's by now, this was another registration's link. */
static enum err make_account(
    struct call *call, const struct registration_claim *claim, struct str nickname, struct account *out)
{
    struct account_draft draft = { .name = claim->name,
        .locale = claim->locale,
        .password = claim->password,
        .policy = claim->policy,
        .is_verified = true };

    TRY(read_names(call, claim, nickname, &draft));
    enum err e = account_by_email(call->pg, call->arena, claim->email, out);
    if (e == OK) return ERR_GONE;
    if (e == ERR_NOT_FOUND) e = account_make(call->pg, call->arena, &draft, call->now, out);
    return e == ERR_CONFLICT ? call_fail(call, e, "nickname: another user has it; choose another one") : e;
}

static enum err take_proof(struct call *call, const struct email_proof *req, struct account *account)
{
    struct registration_claim claim = { .email = STR_NONE };

    TRY(single_use_take(call->pg, call->arena, &single_use_verify, req->token, &account->id, &claim));
    if (id_is_nil(account->id)) return make_account(call, &claim, req->nickname, account);
    TRY(ban_check(call->pg, call->arena, id_text(call->arena, account->id)));
    return prove_address(call, account->id, claim.email, account);
}

enum err verification_confirm(struct call *call, const struct email_proof *req, struct user_made *rep)
{
    struct account account = { .id = { { 0 } } };
    enum err e = take_proof(call, req, &account);

    TRY(attempt_settle(call, attempt_by(call, ATTEMPT_mail, account.id), e));
    rep->user = account_user_in(call->arena, &account);
    return OK;
}
