/*
 * proof_form_show.c - the page to prove again who one is, for what wants a proof of the last ten minutes.
 *
 *      /account/delete, of an older session --303--> /account/prove?to=delete, a cookie with `delete`
 *           --any way to sign in, in the place of that session--> /account, which reads the cookie --303--> /account/delete
 */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/base/url.h"
#include "services/auth/factors/factors.h"
#include "services/auth/mail/mail.h"
#include "services/auth/pages/pages.h"

static const struct {
    const char *name, *path;
} proved[] = {
#define PROVED(name_, path_) { .name = #name_, .path = path_ },
#include "services/auth/pages/proved.def"
#undef PROVED
};

const char *page_proved_path(struct str name)
{
    for (size_t i = 0; i < COUNT(proved); i++)
        if (str_is(name, proved[i].name)) return proved[i].path;
    return NULL;
}

static struct str prove_url(struct call *call, struct str to)
{
    return url_build(call->arena, "", "/account/prove", URL_VALUES({ "to", to }));
}

bool page_wants_proof(struct call *call, const char *to, struct str refused, struct web_page *rep)
{
    struct id account;

    if (refused.len > 0 || factor_check_recent(call, &account) != ERR_PROOF_REQUIRED) return false;
    rep->status = 303;
    rep->url = prove_url(call, str_of(to));
    return true;
}

void form_put_way_to_prove(struct page *page, struct call *call, const struct form_visit *visit, const char *to)
{
    if (!str_is(visit->refused, err_code(ERR_PROOF_REQUIRED))) return;
    page_put_link(page, arena_cstr(call->arena, prove_url(call, str_of(to))), "proving");
}

/* --- the page --- */

static void put_password(struct page *page, const struct account *account)
{
    struct form_visit none = { .refused = STR_NONE };

    form_begin(page, "/account/login");
    form_put_hidden(page, "email", account->email);
    form_put_field(page, FIELD_PRESENT_PASSWORD, STR(""), &none);
    form_end(page, "go_on");
}

static void put_mail(struct page *page, const struct account *account)
{
    page_put_text(page, "prove_mail_lead");
    form_begin(page, "/account/mail-login/ask");
    form_put_hidden(page, "email", account->email);
    form_end(page, "send_mail");
}

static void put_ways(struct page *page, struct call *call, const struct account *account)
{
    page_put_text(page, "prove_lead");
    if (account->email.len > 0 && account->password.len > 0) put_password(page, account);
    form_put_passkey(page, "get", "/api/v1/auth/passkeys/challenge", "/account/passkey", "/account");
    page_put_script(page, PAGE_SCRIPT_PASSKEY);
    page_put_providers(page, call, STR_NONE, PROVIDER_SIGNS_IN);
    if (account->email_verified_at != 0 && mail_is_on(auth_settings(call))) put_mail(page, account);
}

static void show_ways(
    struct call *call, const struct proof_visit *visit, const struct account *account, struct web_page *rep)
{
    struct page page;

    account_page_begin(&page, call, visit->lang, "proving");
    if (account != NULL)
        put_ways(&page, call, account);
    else
        page_put_link(&page, "/account/login", "to_login");
    page_put_link(&page, "/account", "to_account");
    account_page_end(&page, call, prove_url(call, visit->to), rep);
}

enum err proof_form_show(struct call *call, const struct proof_visit *visit, struct proof_page *rep)
{
    const char *path = page_proved_path(visit->to);
    struct account account;
    struct id id;
    bool is_signed_in = id_parse(call->who->sub, &id);

    rep->page = arena_zero(call->arena, sizeof *rep->page);
    if (path != NULL && factor_check_recent(call, &id) == OK) {
        rep->page->status = 303;
        rep->page->url = str_of(path);
        return OK;
    }
    if (is_signed_in) TRY(account_by_id(call->pg, call->arena, id, &account));
    if (path != NULL) rep->next = visit->to;
    show_ways(call, visit, is_signed_in ? &account : NULL, rep->page);
    return OK;
}
