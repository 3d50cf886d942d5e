/* invitation.c - somebody is invited: by mail, or with a link that is handed over. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/base/url.h"
#include "services/auth/keys/issuer.h"
#include "services/auth/mail/mail.h"
#include "services/auth/single_use/single_use.h"
#include "services/auth/users/users.h"

static const char FIND_POLICY[] = "SELECT FROM policy WHERE name = $1";

static enum err check_draft(struct call *call, const struct invitation_draft *draft, struct email *email)
{
    const char *why = NULL;
    int64_t rows = 1;

    if (draft->locale.len > 0 && !str_is(draft->locale, "ko") && !str_is(draft->locale, "en"))
        return call_fail(call, ERR_INVALID_ARGUMENT, "locale: is neither ko nor en");
    if (draft->policy.len > 0) TRY(pg_run(call->pg, call->arena, FIND_POLICY, PG_ARGS(pg_text(draft->policy)), &rows));
    if (rows == 0)
        return call_fail(call, ERR_INVALID_ARGUMENT, "policy: there is no policy %.*s", STR_ARG(draft->policy));
    if (draft->policy.len > 0) TRY(issuer_may_give(call, draft->policy));
    if (draft->email.len == 0) return OK;
    enum err e = email_read(call->pg, call->arena, draft->email, email, &why);
    return why != NULL ? call_fail(call, e, "email: %s", why) : e;
}

static enum err hand_over(
    struct call *call, const struct single_use_draft *use, const struct invitation_claim *claim, struct invitation *rep)
{
    enum err e = single_use_make(call->pg, call->arena, &single_use_invite, use, claim, &rep->token);

    if (e == ERR_QUOTA_EXCEEDED)
        return call_fail(call, e, "as many invitations are open as may be: %lld", (long long)single_use_invite.most);
    TRY(e);
    rep->url = url_build(
        call->arena, auth_public_url(call), mail_kinds[MAIL_invitation].page, URL_VALUES({ "token", rep->token }));
    return OK;
}

static struct str inviter_of(const struct call *call)
{
    return call->who->sub.len > 0 ? call->who->sub : call->peer_name;
}

enum err invitation_create(struct call *call, const struct invitation_draft *draft, struct invitation *rep)
{
    struct str inviter = inviter_of(call);
    struct email email = { .written = STR_NONE };

    TRY(check_draft(call, draft, &email));
    struct invitation_claim claim = { .email = email.written, .policy = draft->policy, .by = inviter };
    struct single_use_draft use = { .holder = inviter, .life_s = draft->life_s };
    rep->expires_at = call->now + draft->life_s * 1000;
    TRY(audit_record(call, "invitation.create", inviter, invitation_draft_shape(), draft));
    if (email.written.len == 0 || !mail_is_on(auth_settings(call))) return hand_over(call, &use, &claim, rep);
    return mail_put(call, MAIL_invitation,
        &(struct mail_to){ .email = email.written,
            .locale = draft->locale,
            .holder = inviter,
            .carries = &claim,
            .life_s = draft->life_s },
        NULL);
}
