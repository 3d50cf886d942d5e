/*
 * mail_request.c - a mail that somebody asks for, who gives an address; a job.
 *
 * A request is answered before anything looks whose address it is: so the answer, and its time, say nothing about that.
 */
// SPDX-License-Identifier: Apache-2.0
#include "services/auth/mail/mail_request.h"

#include "services/auth/mail/mail.h"

/* One job waits for each address and what is asked for: who asks again changes nothing but the flow. */
static struct str key_of(struct call *call, const char *what, struct str email_key)
{
    return arena_printf(call->arena, "%s %s", what, mail_hash_text(call->arena, email_key).at);
}

enum err mail_request_put(struct call *call, const char *what, struct str typed, struct str flow, struct email *email)
{
    const char *why = NULL;

    if (!mail_is_on(auth_settings(call)))
        return call_fail(call, ERR_MAIL_OFF, "No mail server is configured, and this wants a mail");
    enum err e = email_read(call->pg, call->arena, typed, email, &why);
    if (why != NULL) return call_fail(call, e, "email: %s", why);
    TRY(e);
    return job_put(call, &mail_request_job, key_of(call, what, email->key),
        &(struct mail_request){
            .what = str_of(what), .email = email->written, .flow = flow, .network = mail_network(call) },
        0);
}

/* --- the job --- */

static enum err put_verification(struct call *call, const struct mail_request *request, const struct account *account)
{
    struct registration_claim claim = { .email = request->email };
    struct email email;
    const char *why = NULL;

    if (!id_is_nil(account->id))
        return account->email_verified_at == 0
                   ? mail_put(call, MAIL_verify,
                         &(struct mail_to){ .account = account->id, .network = request->network, .carries = &claim },
                         NULL)
                   : OK;
    TRY(email_read(call->pg, call->arena, request->email, &email, &why));
    enum err e = single_use_newest(call->pg, call->arena, &single_use_verify, email.key, &claim);
    if (e != OK) return e == ERR_GONE ? OK : e;
    return mail_put(call, MAIL_verify,
        &(struct mail_to){ .email = claim.email,
            .locale = claim.locale,
            .holder = email.key,
            .network = request->network,
            .carries = &claim },
        NULL);
}

static enum err put_reset(struct call *call, const struct mail_request *request, const struct account *account)
{
    return mail_put(call, MAIL_reset, &(struct mail_to){ .account = account->id, .network = request->network }, NULL);
}

static enum err put_sign_in(struct call *call, const struct mail_request *request, const struct account *account)
{
    if (account_is_leaving(account))
        return mail_put(
            call, MAIL_returning, &(struct mail_to){ .account = account->id, .network = request->network }, NULL);
    return mail_put(call, MAIL_sign_in,
        &(struct mail_to){ .account = account->id, .network = request->network, .flow = request->flow }, NULL);
}

static const struct {
    const char *what;
    bool of_nobody;  /* also for addresses that no account has */
    bool of_leaving; /* also for accounts that are about to be deleted */
    enum err (*put)(struct call *call, const struct mail_request *request, const struct account *account);
} requests[] = {
    { MAIL_REQUEST_VERIFY, true, false, put_verification },
    { MAIL_REQUEST_RESET, false, false, put_reset },
    { MAIL_REQUEST_SIGN_IN, false, true, put_sign_in },
};

enum err mail_request(struct call *call, const struct job *job, const struct mail_request *request)
{
    struct account account;
    enum err e = account_by_email(call->pg, call->arena, request->email, &account);
    bool is_known = e == OK && account_is_active(&account), is_leaving = e == OK && account_is_leaving(&account);

    (void)job;
    if (e != OK && e != ERR_NOT_FOUND) return e;
    if (e == ERR_NOT_FOUND) account = (struct account){ .created_at = 0 };
    call_note(call, F_STR("what", request->what));
    for (size_t i = 0; i < COUNT(requests); i++)
        if (str_is(request->what, requests[i].what) &&
            (is_known || (is_leaving && requests[i].of_leaving) || (e == ERR_NOT_FOUND && requests[i].of_nobody)))
            return requests[i].put(call, request, &account);
    return OK;
}
