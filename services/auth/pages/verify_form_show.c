/* verify_form_show.c - the page that a mail's link opens, and what a mail scanner that opens it does not do. */
// SPDX-License-Identifier: Apache-2.0
#include "services/auth/pages/pages.h"

static void put_proof(struct page *page, const struct form_visit *visit)
{
    bool asks_nickname = visit->nickname.len > 0 || str_is(visit->refused_field, "nickname");

    form_begin(page, "/account/verify");
    form_put_hidden(page, "token", visit->token);
    if (asks_nickname)
        form_put_field(page, FIELD_NICKNAME, visit->nickname, visit);
    else
        page_put(page, "<p>{verify_lead}</p>\n", PAGE_NO_VALUES);
    form_end(page, "verify");
}

enum err verify_form_show(struct call *call, const struct form_visit *visit, struct web_page *rep)
{
    bool has_link = visit->token.len > 0 && !str_is(visit->refused, err_code(ERR_GONE));
    struct page page;

    account_page_begin(&page, call, visit->lang, "verifying");
    form_put_refusal(&page, visit, "refused");
    if (has_link) put_proof(&page, visit);
    if (!has_link) {
        page_put(&page, "<p>{verify_again_lead}</p>\n", PAGE_NO_VALUES);
        form_begin(&page, "/account/verify/resend");
        form_put_field(&page, FIELD_EMAIL, visit->email, visit);
        form_end(&page, "send_again");
    }
    page_put_link(&page, "/account/login", "to_login");
    account_page_end(&page, call, form_path(call, "/account/verify", visit->token), rep);
    return OK;
}
