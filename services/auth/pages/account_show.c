/* account_show.c - the first page: of a person's account, or how to get one. */
// SPDX-License-Identifier: Apache-2.0
#include <string.h>

#include "services/auth/factors/factors.h"
#include "services/auth/oauth/oauth.h"
#include "services/auth/pages/pages.h"
#include "services/auth/users/users.h"

static void put_ways_in(struct page *page, const struct settings_auth *s)
{
    page_put(page, "<p>{account_lead}</p>\n", PAGE_NO_VALUES);
    page_put_link(page, "/account/login", "to_login");
    if (strcmp(s->registration, "open") == 0 || strcmp(s->registration, "domains") == 0)
        page_put_link(page, "/account/register", "to_register");
}

static void put_own(struct page *page, struct call *call, const struct account *account)
{
    page_put(page,
        "<ul><li><span class=\"quiet\">{signed_in_as}</span><br>{nickname}</li>"
        "<li><span class=\"quiet\">{email}</span><br>{address}</li></ul>\n",
        PAGE_VALUES(
            { "nickname", account->nickname }, { "address", account->email.len > 0 ? account->email : STR("–") }));
    page_put_link(page, "/account/sessions", "sessions");
    page_put_link(page, "/account/factors", "factors");
    if (account->password.len > 0) page_put_link(page, "/account/password", "changing_password");
    page_put_link(page, "/account/email", "changing_email");
    if (oauth_providers(((const struct auth *)call->context)->oauth) > 0)
        page_put_link(page, "/account/identities", "identities");
    page_put_link(page, "/account/import", "importing");
    page_put_link(page, "/account/export", "exporting");
    page_put_link(page, "/account/delete", "deleting");
    form_begin(page, "/account/logout");
    form_end(page, "logout");
}

/* A user who has just signed in again is led to the page that asked for it. */
static bool goes_on(struct call *call, struct str next, struct web_page *rep)
{
    const char *path = page_proved_path(next);
    struct id account;

    if (path == NULL || factor_check_recent(call, &account) != OK) return false;
    rep->status = 303;
    rep->url = str_of(path);
    return true;
}

enum err account_show(struct call *call, const struct page_visit *visit, struct web_page *rep)
{
    struct account account;
    struct page page;
    struct id id;
    bool is_signed_in = id_parse(call->who->sub, &id);

    if (goes_on(call, visit->next, rep)) return OK;
    if (is_signed_in) TRY(account_by_id(call->pg, call->arena, id, &account));
    account_page_begin(&page, call, visit->lang, "account");
    if (is_signed_in)
        put_own(&page, call, &account);
    else
        put_ways_in(&page, auth_settings(call));
    account_page_end(&page, call, STR("/account"), rep);
    return OK;
}
