/* email_change.c - an account has another e-mail address: proved at the new one, told to the old one. */
// SPDX-License-Identifier: Apache-2.0
#include "services/auth/abuse/attempts.h"
#include "services/auth/abuse/bans.h"
#include "services/auth/factors/factors.h"
#include "services/auth/mail/mail.h"
#include "services/auth/single_use/single_use.h"
#include "services/auth/users/revoke.h"
#include "services/auth/users/users.h"

/* Whether it is somebody's is told to nobody who does not read its mails. */
enum err email_change(struct call *call, const struct email_ref *req, struct nothing *rep)
{
    const char *why = NULL;
    struct email email;
    struct id account;

    (void)rep;
    TRY(factor_check_recent(call, &account));
    enum err e = email_read(call->pg, call->arena, req->email, &email, &why);
    if (why != NULL) return call_fail(call, e, "email: %s", why);
    TRY(e);
    struct address_claim claim = { .email = email.written };
    return mail_put(call, MAIL_email_confirm,
        &(struct mail_to){ .account = account, .email = email.written, .carries = &claim }, NULL);
}

static const char SET_EMAIL[] = "UPDATE account SET email = $2, email_key = $3, email_verified_at = $4, changed_at = $4"
                                " WHERE id = $1 AND state = 'active'";

static enum err set_email(struct call *call, const struct account *account, const struct email *email)
{
    int64_t rows;
    enum err e = pg_run(call->pg, call->arena, SET_EMAIL,
        PG_ARGS(pg_id(account->id), pg_text(email->written), pg_text(email->key), pg_time(call->now)), &rows);

    if (e == ERR_CONFLICT) return call_fail(call, e, "email: another user has it by now");
    TRY(e);
    return rows == 1 ? OK : ERR_GONE;
}

static enum err tell_former(struct call *call, const struct account *former)
{
    struct mail_words words = { .n = 0 };

    if (former->email.len == 0) return OK;
    mail_add_event(&words, call->arena, call);
    return mail_put(call, MAIL_email_changed,
        &(struct mail_to){ .account = former->id, .email = former->email, .locale = former->locale }, &words);
}

static enum err take_proof(struct call *call, const struct address_proof *req, struct account *account)
{
    struct address_claim claim = { .email = STR_NONE };
    const char *why = NULL;
    struct email email;

    TRY(single_use_take(call->pg, call->arena, &single_use_email_change, req->token, &account->id, &claim));
    TRY(ban_check(call->pg, call->arena, id_text(call->arena, account->id)));
    enum err e = email_read(call->pg, call->arena, claim.email, &email, &why);
    if (e != OK) return e == ERR_INVALID_ARGUMENT ? ERR_GONE : e; /* rules have changed since */
    TRY(account_by_id(call->pg, call->arena, account->id, account));
    TRY(set_email(call, account, &email));
    TRY(account_revoke(call, account->id, REVOKE_email_changed));
    TRY(tell_former(call, account));
    return account_by_id(call->pg, call->arena, account->id, account);
}

enum err email_confirm(struct call *call, const struct address_proof *req, struct user *rep)
{
    struct account account = { .id = { { 0 } } };
    enum err e = take_proof(call, req, &account);

    TRY(attempt_settle(call, attempt_by(call, ATTEMPT_reset, account.id), e));
    *rep = account_user(&account);
    return OK;
}
