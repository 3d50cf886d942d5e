/* login_form_show.c - the page to sign in. */
// SPDX-License-Identifier: Apache-2.0
#include <string.h>

#include "services/auth/mail/mail.h"
#include "services/auth/pages/pages.h"

/* Ways in that have a page of their own. */
static void put_other_ways(struct page *page, const struct settings_auth *settings)
{
    const struct {
        const char *path, *text;
        bool is_on;
    } ways[] = {
#define WAY_IN(sql, path, text, is_on) { path, text, is_on },
#include "services/auth/users/ways_in.def"
#undef WAY_IN
    };

    for (size_t i = 0; i < COUNT(ways); i++)
        if (ways[i].path != NULL && ways[i].is_on) page_put_link(page, ways[i].path, ways[i].text);
}

enum err login_form_show(struct call *call, const struct form_visit *visit, struct web_page *rep)
{
    const struct settings_auth *s = auth_settings(call);
    struct page page;

    account_page_begin(&page, call, visit->lang, "login");
    form_put_refusal(&page, visit, "wrong_login");
    form_begin(&page, "/account/login");
    form_put_field(&page, FIELD_USER_NAME, visit->email, visit);
    form_put_field(&page, FIELD_PASSWORD, STR(""), visit);
    form_end(&page, "login");
    form_put_passkey(&page, "get", "/api/v1/auth/passkeys/challenge", "/account/passkey", "/account");
    page_put_script(&page, PAGE_SCRIPT_PASSKEY);
    page_put_providers(&page, call, STR_NONE, PROVIDER_SIGNS_IN);
    if (mail_is_on(s)) page_put_link(&page, "/account/reset", "forgotten");
    put_other_ways(&page, s);
    if (strcmp(s->registration, "open") == 0 || strcmp(s->registration, "domains") == 0)
        page_put_link(&page, "/account/register", "to_register");
    page_put_link(&page, "/account/undelete", "undeleting");
    account_page_end(&page, call, STR("/account/login"), rep);
    return OK;
}
