/* email_form_show.c - the page to have another e-mail address, where the mail to that leads, too. */
// SPDX-License-Identifier: Apache-2.0
#include "services/auth/mail/mail.h"
#include "services/auth/pages/pages.h"
#include "services/auth/users/users.h"

static void put_proof(struct page *page, const struct form_visit *visit)
{
    page_put_text(page, "email_confirm_lead");
    form_begin(page, "/account/email/confirm");
    form_put_hidden(page, "token", visit->token);
    form_end(page, "verify");
}

static void put_question(struct page *page, const struct form_visit *visit, const struct account *account)
{
    struct str address = account->email.len > 0 ? account->email : STR("–");

    page_put(page, "<ul><li><span class=\"quiet\">{email}</span><br>{address}</li></ul>\n",
        PAGE_VALUES({ "address", address }));
    page_put_text(page, "email_lead");
    form_begin(page, "/account/email");
    form_put_field(page, FIELD_NEW_EMAIL, visit->email, visit);
    form_end(page, "send_mail");
}

static enum err put_own(struct call *call, struct page *page, const struct form_visit *visit)
{
    struct account account;
    struct id id;

    if (!id_parse(call->who->sub, &id)) {
        page_put_link(page, "/account/login", "to_login");
        return OK;
    }
    TRY(account_by_id(call->pg, call->arena, id, &account));
    if (mail_is_on(auth_settings(call)))
        put_question(page, visit, &account);
    else
        page_put_text(page, "no_mail");
    return OK;
}

enum err email_form_show(struct call *call, const struct form_visit *visit, struct web_page *rep)
{
    bool has_link = visit->token.len > 0 && !str_is(visit->refused, err_code(ERR_GONE));
    struct page page;
    enum err e = OK;

    if (!has_link && page_wants_proof(call, "email", visit->refused, rep)) return OK;
    account_page_begin(&page, call, visit->lang, "changing_email");
    form_put_refusal(&page, visit, "refused");
    form_put_way_to_prove(&page, call, visit, "email");
    if (has_link)
        put_proof(&page, visit);
    else
        e = put_own(call, &page, visit);
    page_put_link(&page, "/account", "to_account");
    account_page_end(&page, call, form_path(call, "/account/email", visit->token), rep);
    return e;
}
