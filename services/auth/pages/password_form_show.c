/* password_form_show.c - the page to change one's password. */
// SPDX-License-Identifier: Apache-2.0
#include "services/auth/pages/pages.h"

enum err password_form_show(struct call *call, const struct form_visit *visit, struct web_page *rep)
{
    struct page page;

    account_page_begin(&page, call, visit->lang, "changing_password");
    form_put_refusal(&page, visit, "wrong_password");
    page_put_text(&page, "password_lead");
    form_begin(&page, "/account/password");
    form_put_field(&page, FIELD_PRESENT_PASSWORD, STR(""), visit);
    form_put_field(&page, FIELD_NEXT_PASSWORD, STR(""), visit);
    form_end(&page, "set_password");
    page_put_link(&page, "/account", "to_account");
    account_page_end(&page, call, STR("/account/password"), rep);
    return OK;
}
