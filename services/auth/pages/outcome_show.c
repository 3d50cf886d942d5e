/* outcome_show.c - how it went, and where to go on: where a form leads, so that to load the page again repeats nothing. */
// SPDX-License-Identifier: Apache-2.0
#include <string.h>

#include "libshared/base/url.h"
#include "services/auth/mail/mail.h"
#include "services/auth/pages/pages.h"

static const struct {
    const char *name, *text, *path, *link;
} outcomes[] = {
#define OUTCOME(name_, text_, path_, link_) { .name = #name_, .text = #text_, .path = path_, .link = #link_ },
#include "services/auth/pages/outcomes.def"
#undef OUTCOME
};

/* Without mails a registration is complete at once. */
static const char *text_of(struct call *call, size_t i)
{
    bool is_registered = strcmp(outcomes[i].name, "registered") == 0;

    return is_registered && !mail_is_on(auth_settings(call)) ? "registered_now" : outcomes[i].text;
}

enum err outcome_show(struct call *call, const struct outcome_visit *visit, struct web_page *rep)
{
    struct page page;
    size_t i = 0;

    while (i < COUNT(outcomes) && !str_is(visit->of, outcomes[i].name)) i++;
    if (i == COUNT(outcomes)) return ERR_NOT_FOUND;
    account_page_begin(&page, call, visit->lang, "done");
    page_put(&page, "<p>{text}</p>\n", PAGE_VALUES({ "text", str_of(page_text(&page, text_of(call, i))) }));
    page_put_link(&page, outcomes[i].path, outcomes[i].link);
    account_page_end(&page, call, url_build(call->arena, "", "/account/done", URL_VALUES({ "of", visit->of })), rep);
    return OK;
}
