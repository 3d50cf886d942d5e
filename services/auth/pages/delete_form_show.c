/* delete_form_show.c - the pages to delete one's account, and to have it back. */
// SPDX-License-Identifier: Apache-2.0
#include "services/auth/mail/mail.h"
#include "services/auth/pages/pages.h"

enum err delete_form_show(struct call *call, const struct form_visit *visit, struct web_page *rep)
{
    struct page page;

    if (page_wants_proof(call, "delete", visit->refused, rep)) return OK;
    account_page_begin(&page, call, visit->lang, "deleting");
    form_put_refusal(&page, visit, "refused");
    form_put_way_to_prove(&page, call, visit, "delete");
    page_put_text(&page, "delete_lead");
    page_put_link(&page, "/account/export", "exporting");
    form_begin(&page, "/account/delete");
    form_end(&page, "delete");
    page_put_link(&page, "/account", "to_account");
    account_page_end(&page, call, STR("/account/delete"), rep);
    return OK;
}

static void put_link_proof(struct page *page, const struct form_visit *visit)
{
    page_put_text(page, "undelete_lead");
    form_begin(page, "/account/undelete");
    form_put_hidden(page, "token", visit->token);
    form_end(page, "undelete");
}

static void put_password(struct page *page, const struct form_visit *visit)
{
    page_put_text(page, "undelete_password_lead");
    form_begin(page, "/account/undelete/password");
    form_put_field(page, FIELD_USER_NAME, visit->email, visit);
    form_put_field(page, FIELD_PASSWORD, STR(""), visit);
    form_end(page, "undelete");
}

/* Whoever has no password has one of these. */
static void put_other_ways(struct page *page, struct call *call)
{
    form_put_passkey(page, "get", "/api/v1/auth/passkeys/challenge", "/account/passkey/return", "/account");
    page_put_script(page, PAGE_SCRIPT_PASSKEY);
    page_put_providers(page, call, STR_NONE, PROVIDER_RETURNS);
    if (mail_is_on(auth_settings(call))) page_put_link(page, "/account/mail-login", "undelete_by_mail");
}

enum err undelete_form_show(struct call *call, const struct form_visit *visit, struct web_page *rep)
{
    bool has_link = visit->token.len > 0 && !str_is(visit->refused, err_code(ERR_GONE));
    struct page page;

    account_page_begin(&page, call, visit->lang, "undeleting");
    form_put_refusal(&page, visit, "wrong_undelete");
    if (has_link)
        put_link_proof(&page, visit);
    else
        put_password(&page, visit);
    if (!has_link) put_other_ways(&page, call);
    page_put_link(&page, "/account/login", "to_login");
    account_page_end(&page, call, form_path(call, "/account/undelete", visit->token), rep);
    return OK;
}
