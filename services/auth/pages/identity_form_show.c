/* identity_form_show.c - the pages of other providers: which ones sign in, and the way back from one. */
// SPDX-License-Identifier: Apache-2.0
#include "services/auth/oauth/oauth.h"
#include "services/auth/pages/pages.h"

static void put_identity(struct page *page, struct call *call, const struct identity *identity)
{
    struct auth *auth = call->context;
    const struct oauth_provider *provider = oauth_find_provider(auth->oauth, identity->provider);
    const struct page_value values[] = {
        { "label", provider != NULL ? str_of(provider->label) : identity->provider },
        { "email", identity->email.len > 0 ? identity->email : STR("–") },
        { "at", page_time(call->arena, identity->used_at) },
    };

    page_put(page, "<li>{label}<br><span class=\"quiet\">{email} · {last_seen} {at}</span>\n", values, COUNT(values));
    form_put_quiet_button(page, "/account/identities/unlink", "identity", id_text(call->arena, identity->id), "unlink");
    page_put(page, "</li>\n", PAGE_NO_VALUES);
}

enum err identity_form_show(struct call *call, const struct form_visit *visit, struct web_page *rep)
{
    struct identity_page own = { { NULL, 0 } };
    struct nothing none;
    struct page page;

    if (page_wants_proof(call, "identities", visit->refused, rep)) return OK;
    TRY(identity_list(call, &none, &own));
    account_page_begin(&page, call, visit->lang, "identities");
    form_put_refusal(&page, visit, "gone");
    form_put_way_to_prove(&page, call, visit, "identities");
    page_put_text(&page, "identities_lead");
    if (own.identities.len > 0) page_put(&page, "<ul>\n", PAGE_NO_VALUES);
    for (size_t i = 0; i < own.identities.len; i++) put_identity(&page, call, &own.identities.at[i]);
    if (own.identities.len > 0) page_put(&page, "</ul>\n", PAGE_NO_VALUES);
    page_put_providers(&page, call, STR_NONE, PROVIDER_IS_LINKED);
    page_put_link(&page, "/account", "to_account");
    account_page_end(&page, call, STR("/account/identities"), rep);
    return OK;
}

/* --- the way back: a form, so that the code is used by a POST of ours, which our own cookies come with --- */

static const char *text_of_error(struct str error)
{
    if (str_is(error, err_code(ERR_PROVIDER_REFUSED))) return "provider_refused";
    if (str_is(error, err_code(ERR_FORBIDDEN))) return "not_open";
    return str_is(error, err_code(ERR_GONE)) ? "gone" : "provider_failed";
}

/* What the code is for. */
static const struct way_back {
    const char *home, *home_text, *title, *lead, *send, *button;
} signs_in = { "/account/login", "to_login", "login", "oauth_lead", "/account/oauth", "go_on" },
  is_linked = { "/account/identities", "to_identities", "linking", "link_lead", "/account/oauth/link", "link" },
  returns = { "/account/undelete", "undeleting", "undeleting", "undelete_lead", "/account/oauth/return", "undelete" };

enum err oauth_form_show(struct call *call, const struct oauth_visit *visit, struct web_page *rep)
{
    const struct way_back *way = visit->link ? &is_linked : visit->returns ? &returns : &signs_in;
    struct page page;

    account_page_begin(&page, call, visit->lang, way->title);
    if (visit->code.len == 0) {
        page_put(&page, "<p class=\"bad\" role=\"alert\">{why}</p>\n",
            PAGE_VALUES({ "why", str_of(page_text(&page, text_of_error(visit->error))) }));
    } else {
        page_put_text(&page, way->lead);
        form_begin(&page, way->send);
        form_put_hidden(&page, "code", visit->code);
        form_end(&page, way->button);
    }
    page_put_link(&page, way->home, way->home_text);
    account_page_end(&page, call, str_of(way->home), rep);
    return OK;
}
