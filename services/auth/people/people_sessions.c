/* people_sessions.c - a user's sessions, and how an administrator lets them in again who has lost the password. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/base/url.h"
#include "services/auth/mail/mail.h"
#include "services/auth/people/people.h"
#include "services/auth/sessions/sessions.h"
#include "services/auth/single_use/single_use.h"

enum err people_sessions(struct call *call, const struct people_ref *req, struct session_page *rep)
{
    struct id account;

    TRY(people_find(call, req->user, &account));
    return sessions_of(call, account, rep);
}

enum err people_logout(struct call *call, const struct people_ref *req, struct user_entry *rep)
{
    struct id account;
    int64_t n;

    TRY(people_find(call, req->user, &account));
    TRY(people_outranked(call, account));
    TRY(sessions_end(call, account, false, &n));
    call_note(call, F_INT("sessions", n));
    TRY(audit_add(call, "user.logout", id_text(call->arena, account), STR("{}")));
    trust_changed(call);
    return people_entry(call, account, rep);
}

/* The present password stays good until another is set. */
enum err people_reset_password(struct call *call, const struct people_ref *req, struct reset_link *rep)
{
    struct account account;
    struct str token;
    struct id id;

    TRY(people_find(call, req->user, &id));
    TRY(people_may_give(call, id));
    TRY(account_by_id(call->pg, call->arena, id, &account));
    TRY(audit_add(call, "user.reset_password", id_text(call->arena, id), STR("{}")));
    rep->user = account_user_in(call->arena, &account);
    rep->expires_at = call->now + single_use_reset.life_s * 1000;
    if (account.email.len > 0 && mail_is_on(auth_settings(call)))
        return mail_put(call, MAIL_reset, &(struct mail_to){ .account = id }, NULL);
    TRY(single_use_make(call->pg, call->arena, &single_use_reset, &(struct single_use_draft){ .account = id },
        &(struct nothing){}, &token));
    rep->url =
        url_build(call->arena, auth_public_url(call), mail_kinds[MAIL_reset].page, URL_VALUES({ "token", token }));
    return OK;
}
