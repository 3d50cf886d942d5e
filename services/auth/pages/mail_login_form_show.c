/* mail_login_form_show.c - the pages to sign in by mail: to ask for one, to use its link, to type its code. */
// SPDX-License-Identifier: Apache-2.0
#include "services/auth/pages/pages.h"

static void put_question(struct page *page, const struct form_visit *visit)
{
    page_put(page, "<p>{mail_login_ask_lead}</p>\n", PAGE_NO_VALUES);
    form_begin(page, "/account/mail-login/ask");
    form_put_field(page, FIELD_USER_NAME, visit->email, visit);
    form_end(page, "send_mail");
}

static void put_link_proof(struct page *page, const struct form_visit *visit)
{
    page_put(page, "<p>{mail_login_lead}</p>\n", PAGE_NO_VALUES);
    form_begin(page, "/account/mail-login");
    form_put_hidden(page, "token", visit->token);
    form_end(page, "login");
}

enum err mail_login_form_show(struct call *call, const struct form_visit *visit, struct web_page *rep)
{
    bool has_link = visit->token.len > 0 && !str_is(visit->refused, err_code(ERR_GONE));
    struct page page;

    account_page_begin(&page, call, visit->lang, "mail_login");
    form_put_refusal(&page, visit, "gone");
    if (has_link)
        put_link_proof(&page, visit);
    else
        put_question(&page, visit);
    page_put_link(&page, "/account/login", "to_login");
    account_page_end(&page, call, form_path(call, "/account/mail-login", visit->token), rep);
    return OK;
}

enum err mail_code_form_show(struct call *call, const struct form_visit *visit, struct web_page *rep)
{
    struct page page;

    account_page_begin(&page, call, visit->lang, "mail_code");
    form_put_refusal(&page, visit, "wrong_code");
    page_put(&page, "<p>{mail_code_lead}</p>\n", PAGE_NO_VALUES);
    form_begin(&page, "/account/mail-login/code");
    form_put_field(&page, FIELD_CODE, STR(""), visit);
    form_end(&page, "login");
    page_put_link(&page, "/account/mail-login", "another_mail");
    account_page_end(&page, call, STR("/account/mail-login/code"), rep);
    return OK;
}
