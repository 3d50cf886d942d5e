/* register_form_show.c - the page to register, where an invitation's link leads. */
// SPDX-License-Identifier: Apache-2.0
#include <string.h>

#include "services/auth/pages/pages.h"

/* A text that says why not, or NULL. */
static const char *why_not(const struct settings_auth *s, struct str invitation)
{
    if (strcmp(s->registration, "off") == 0) return "registration_off";
    bool is_open = strcmp(s->registration, "open") == 0 || strcmp(s->registration, "domains") == 0;
    return is_open || invitation.len > 0 ? NULL : "invitation_needed";
}

static void put_form(struct page *page, const struct form_visit *visit, struct str invitation)
{
    form_begin(page, "/account/register");
    form_put_hidden(page, "invitation", invitation);
    form_put_hidden(page, "locale", str_of(page_language_code(page->language)));
    form_put_field(page, FIELD_EMAIL, visit->email, visit);
    form_put_field(page, FIELD_NEW_PASSWORD, STR(""), visit);
    form_put_field(page, FIELD_NICKNAME, visit->nickname, visit);
    form_put_field(page, FIELD_NAME, visit->name, visit);
    form_end(page, "register");
}

enum err register_form_show(struct call *call, const struct form_visit *visit, struct web_page *rep)
{
    struct str invitation = visit->invitation.len > 0 ? visit->invitation : visit->token;
    const char *why = why_not(auth_settings(call), invitation);
    struct page page;

    account_page_begin(&page, call, visit->lang, "registering");
    form_put_refusal(&page, visit, "refused");
    if (why != NULL) page_put(&page, "<p>{why}</p>\n", PAGE_VALUES({ "why", str_of(page_text(&page, why)) }));
    if (why == NULL && invitation.len > 0) page_put(&page, "<p>{invited}</p>\n", PAGE_NO_VALUES);
    if (why == NULL) put_form(&page, visit, invitation);
    if (why == NULL) page_put_providers(&page, call, invitation, PROVIDER_SIGNS_IN);
    page_put_link(&page, "/account/login", "to_login");
    account_page_end(&page, call, form_path(call, "/account/register", invitation), rep);
    return OK;
}
