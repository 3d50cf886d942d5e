/* reset_form_show.c - the page for who has forgotten the password: to ask for a mail, and to set another one with its link. */
// SPDX-License-Identifier: Apache-2.0
#include "services/auth/pages/pages.h"

static void put_question(struct page *page, const struct form_visit *visit)
{
    page_put(page, "<p>{reset_ask_lead}</p>\n", PAGE_NO_VALUES);
    form_begin(page, "/account/reset");
    form_put_field(page, FIELD_USER_NAME, visit->email, visit);
    form_end(page, "send_mail");
}

static void put_password(struct page *page, const struct form_visit *visit)
{
    page_put(page, "<p>{reset_lead}</p>\n", PAGE_NO_VALUES);
    form_begin(page, "/account/reset/confirm");
    form_put_hidden(page, "token", visit->token);
    form_put_field(page, FIELD_NEW_PASSWORD, STR(""), visit);
    form_end(page, "set_password");
}

enum err reset_form_show(struct call *call, const struct form_visit *visit, struct web_page *rep)
{
    bool has_link = visit->token.len > 0 && !str_is(visit->refused, err_code(ERR_GONE));
    struct page page;

    account_page_begin(&page, call, visit->lang, "resetting");
    form_put_refusal(&page, visit, "refused");
    if (has_link)
        put_password(&page, visit);
    else
        put_question(&page, visit);
    page_put_link(&page, "/account/login", "to_login");
    account_page_end(&page, call, form_path(call, "/account/reset", visit->token), rep);
    return OK;
}
