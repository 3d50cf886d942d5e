/* export_form_show.c - the page to take along what is one's own; its script asks for that, and makes archives of it. */
// SPDX-License-Identifier: Apache-2.0
#include "services/auth/pages/pages.h"

static void put_button(struct page *page)
{
    page_put(page,
        "<p><button type=\"button\" hidden data-archive=\"account\" data-working=\"{export_working}\" "
        "data-done=\"{export_done}\" data-failed=\"{export_failed}\">{export_make}</button>"
        "<span class=\"quiet\" role=\"status\"></span></p>\n<noscript><p>{export_no_script}</p></noscript>\n",
        PAGE_NO_VALUES);
    page_put_script(page, PAGE_SCRIPT_ARCHIVE);
}

enum err export_form_show(struct call *call, const struct form_visit *visit, struct web_page *rep)
{
    struct page page;

    if (page_wants_proof(call, "export", visit->refused, rep)) return OK;
    account_page_begin(&page, call, visit->lang, "exporting");
    page_put_text(&page, "export_lead");
    put_button(&page);
    page_put_link(&page, "/account", "to_account");
    account_page_end(&page, call, STR("/account/export"), rep);
    return OK;
}
