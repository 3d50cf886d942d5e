/* factors_form_show.c - the pages of one's second factors: the list, an app's secret, recovery codes. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/page/qr.h"
#include "services/auth/factors/factors.h"
#include "services/auth/pages/pages.h"

#define QR_MARGIN 4

/* --- the list --- */

static void put_factor(struct page *page, struct arena *arena, const struct factor *factor)
{
    struct str at = page_time(arena, factor->last_used_at != 0 ? factor->last_used_at : factor->created_at);
    bool is_app = str_is(factor->kind, "totp");

    page_put(page, "<li>{name}<br><span class=\"quiet\">{last_seen} {at}</span>\n",
        PAGE_VALUES({ "name", is_app ? str_of(page_text(page, "app")) : factor->name }, { "at", at }));
    form_put_quiet_button(page, "/account/factors/remove", "factor", id_text(arena, factor->id), "remove");
    page_put(page, "</li>\n", PAGE_NO_VALUES);
}

static bool put_list(struct page *page, struct arena *arena, const struct factor_list *factors)
{
    bool has_app = false;

    if (factors->len == 0) return false;
    page_put(page, "<ul>\n", PAGE_NO_VALUES);
    for (size_t i = 0; i < factors->len; i++) {
        put_factor(page, arena, &factors->at[i]);
        if (str_is(factors->at[i].kind, "totp")) has_app = true;
    }
    page_put(page, "</ul>\n", PAGE_NO_VALUES);
    return has_app;
}

static void put_app(struct page *page, struct arena *arena, bool has_app, int64_t codes)
{
    page_put(page, "<h2>{app}</h2>\n", PAGE_NO_VALUES);
    page_put_text(page, has_app ? "codes_lead" : "app_lead");
    if (has_app)
        page_put(page, "<p class=\"quiet\">{codes_left} {n}</p>\n",
            PAGE_VALUES({ "n", arena_printf(arena, "%lld", (long long)codes) }));
    form_begin(page, has_app ? "/account/factors/codes" : "/account/factors/app/begin");
    form_end(page, has_app ? "renew_codes" : "add_app");
}

enum err factors_form_show(struct call *call, const struct form_visit *visit, struct web_page *rep)
{
    struct factor_page own = { .recovery_codes = 0 };
    struct nothing none;
    struct page page;

    if (page_wants_proof(call, "factors", visit->refused, rep)) return OK;
    TRY(factor_list(call, &none, &own));
    account_page_begin(&page, call, visit->lang, "factors");
    form_put_refusal(&page, visit, "refused");
    form_put_way_to_prove(&page, call, visit, "factors");
    page_put_text(&page, "factors_lead");
    bool has_app = put_list(&page, call->arena, &own.factors);
    put_app(&page, call->arena, has_app, own.recovery_codes);
    page_put(&page, "<h2>{passkeys}</h2>\n", PAGE_NO_VALUES);
    page_put_text(&page, "passkeys_lead");
    form_put_passkey(&page, "create", "/account/passkeys/options", "/account/passkeys", "/account/factors");
    page_put_script(&page, PAGE_SCRIPT_PASSKEY);
    page_put_link(&page, "/account", "to_account");
    account_page_end(&page, call, STR("/account/factors"), rep);
    return OK;
}

/* --- an app is told a secret --- */

static void put_picture(struct page *page, struct arena *arena, struct str uri)
{
    struct qr qr;

    if (!qr_make(arena, uri, &qr)) return; /* it can be typed */
    int side = qr.size + 2 * QR_MARGIN;
    page_put(page,
        "<svg class=\"qr\" role=\"img\" aria-label=\"{qr_label}\" viewBox=\"0 0 {side} {side}\"><path fill=\"#000\" "
        "d=\"{path}\"></path></svg>\n",
        PAGE_VALUES({ "side", arena_printf(arena, "%d", side) }, { "path", qr_path(arena, &qr, QR_MARGIN) }));
}

static void put_secret(
    struct page *page, struct call *call, const struct totp_secret *app, const struct form_visit *visit)
{
    struct str s = app->secret;
    struct str parted = arena_printf(call->arena, "%.4s %.4s %.4s %.4s %.4s %.4s %.4s %.4s", s.at, s.at + 4, s.at + 8,
        s.at + 12, s.at + 16, s.at + 20, s.at + 24, s.at + 28); /* proto/auth.def: 32 characters */

    page_put_text(page, "scan_lead");
    put_picture(page, call->arena, app->uri);
    page_put(page, "<p>{type_lead}<br><code>{secret}</code></p>\n", PAGE_VALUES({ "secret", parted }));
    form_begin(page, "/account/factors/app");
    form_put_field(page, FIELD_APP_CODE, STR(""), visit);
    form_end(page, "confirm_app");
}

static enum err show_app(struct call *call, const struct form_visit *visit, struct web_page *rep)
{
    struct totp_secret app = { .secret = STR_NONE };
    struct page page;
    struct id account;

    TRY(factor_check_recent(call, &account));
    TRY(totp_unconfirmed(call, account, &app));
    account_page_begin(&page, call, visit->lang, "adding_app");
    form_put_refusal(&page, visit, "refused");
    put_secret(&page, call, &app, visit);
    page_put_link(&page, "/account/factors", "to_factors");
    account_page_end(&page, call, STR("/account/factors/app"), rep);
    return OK;
}

enum err totp_form_show(struct call *call, const struct form_visit *visit, struct web_page *rep)
{
    return page_wants_proof(call, "app", visit->refused, rep) ? OK : show_app(call, visit, rep);
}

/* --- recovery codes --- */

static void show_codes(struct call *call, struct str lang, const struct recovery_codes *codes, struct web_page *rep)
{
    struct page page;

    account_page_begin(&page, call, lang, "recovery_codes");
    page_put_text(&page, "recovery_lead");
    page_put(&page, "<ul class=\"codes\">\n", PAGE_NO_VALUES);
    for (size_t i = 0; i < codes->codes.len; i++)
        page_put(&page, "<li>{code}</li>\n", PAGE_VALUES({ "code", codes->codes.at[i] }));
    page_put(&page, "</ul>\n", PAGE_NO_VALUES);
    page_put_link(&page, "/account/factors", "to_factors");
    account_page_end(&page, call, STR("/account/factors"), rep);
}

/* A wrong code changes nothing: the same secret is shown again. */
enum err totp_form_confirm(struct call *call, const struct totp_form_code *req, struct web_page *rep)
{
    struct form_visit again = { .lang = req->lang, .refused = STR("invalid_argument"), .refused_field = STR("code") };
    struct recovery_codes codes = { { NULL, 0 } };

    if (page_wants_proof(call, "app", STR_NONE, rep)) return OK;
    enum err e = totp_confirm(call, &(struct totp_code){ .code = req->code }, &codes);

    if (e == OK) {
        show_codes(call, req->lang, &codes, rep);
        return OK;
    }
    if (e != ERR_INVALID_ARGUMENT) return e;
    TRY(show_app(call, &again, rep));
    rep->status = err_status(e);
    return OK;
}

enum err recovery_form_renew(struct call *call, const struct page_visit *req, struct web_page *rep)
{
    struct recovery_codes codes = { { NULL, 0 } };
    struct nothing none;

    if (page_wants_proof(call, "factors", STR_NONE, rep)) return OK;
    TRY(recovery_renew(call, &none, &codes));
    show_codes(call, req->lang, &codes, rep);
    return OK;
}
