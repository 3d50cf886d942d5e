/* factor_form_show.c - the page that asks for a second factor, after a password or what stood for it. */
// SPDX-License-Identifier: Apache-2.0
#include "services/auth/pages/pages.h"

enum err factor_form_show(struct call *call, const struct form_visit *visit, struct web_page *rep)
{
    struct page page;

    account_page_begin(&page, call, visit->lang, "second_factor");
    form_put_refusal(&page, visit, "wrong_code");
    page_put_text(&page, "factor_lead");
    form_begin(&page, "/account/factor");
    form_put_field(&page, FIELD_FACTOR_CODE, STR(""), visit);
    form_end(&page, "login");
    form_put_passkey(&page, "get", "/api/v1/auth/passkeys/challenge", "/account/factor/passkey", "/account");
    page_put_script(&page, PAGE_SCRIPT_PASSKEY);
    page_put_link(&page, "/account/login", "start_again");
    account_page_end(&page, call, STR("/account/factor"), rep);
    return OK;
}
