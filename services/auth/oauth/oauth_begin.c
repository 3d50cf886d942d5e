/* oauth_begin.c - a browser is sent to a provider. */
// SPDX-License-Identifier: Apache-2.0

#include "libshared/base/base64.h"
#include "libshared/base/secret.h"
#include "libshared/base/url.h"
#include "services/auth/oauth/oauth.h"
#include "services/auth/oauth/sha256.h"
#include "services/auth/single_use/single_use.h"

#define URL_BYTES_MAX 2000 /* proto/common.def: web_page.url */

struct beginning {
    struct rpc_later *later;
    struct call *call;
    const struct oauth_ask *ask;
    struct oauth_asking asking;
    struct oauth_flow flow;
    struct str state;
    bool from_page; /* of ours */
    struct oauth_begun begun;
};

static void answer_begin(void *arg, enum err e)
{
    struct beginning *beginning = arg;

    rpc_later_done(beginning->later, e, &beginning->begun);
}

static struct str make_secret(struct arena *arena)
{
    char text[SINGLE_USE_CHARS + 1];

    secret_text(text, SINGLE_USE_CHARS);
    return arena_str(arena, str_of(text));
}

/* Of one address no more are under way than it may begin in their ten minutes. */
static enum err make_flow(struct pg *pg, struct arena *arena, void *arg)
{
    struct beginning *beginning = arg;
    const struct oauth_ask *ask = beginning->ask;

    beginning->begun.browser = make_secret(arena);
    beginning->flow = (struct oauth_flow){ .provider = ask->provider,
        .browser = sha256_of(arena, beginning->begun.browser),
        .nonce = make_secret(arena),
        .verifier = make_secret(arena),
        .challenge = ask->challenge,
        .return_to = ask->return_to,
        .invitation = ask->invitation,
        .locale = ask->lang,
        .link = ask->link };
    return single_use_make(pg, arena, &single_use_oauth_flow,
        &(struct single_use_draft){ .holder = beginning->call->who->address }, &beginning->flow, &beginning->state);
}

static const struct rpc_step steps[] = {
    { WORKER, make_flow },
    { 0 },
};

/* An authorization endpoint may have a query already (RFC 6749 3.1). */
static struct str authorize_url(const struct beginning *beginning)
{
    struct arena *arena = beginning->call->arena;
    const struct oauth_provider *provider = beginning->asking.provider;
    struct str at = oauth_metadata(provider, arena, "authorization_endpoint");
    struct str query = str_skip(
        url_build(arena, "", "/",
            URL_VALUES({ "response_type", STR("code") }, { "client_id", str_of(provider->client) },
                { "redirect_uri", oauth_callback(beginning->call, provider) }, { "scope", str_of(provider->scopes) },
                { "state", beginning->state }, { "nonce", beginning->flow.nonce },
                { "code_challenge", sha256_text(arena, beginning->flow.verifier) },
                { "code_challenge_method", STR("S256") })),
        2);
    size_t mark;

    return arena_printf(arena, "%.*s%c%.*s", STR_ARG(at), str_find(at, '?', &mark) ? '&' : '?', STR_ARG(query));
}

static void on_flow(void *arg, enum err e)
{
    struct beginning *beginning = arg;
    struct web_page *page = arena_zero(beginning->call->arena, sizeof *page);

    beginning->begun.page = page;
    if (e == OK) {
        page->status = 303;
        page->url = authorize_url(beginning);
        if (page->url.len > URL_BYTES_MAX) e = ERR_PROVIDER_FAILED;
    }
    answer_begin(beginning, e);
}

static void on_discovered(void *arg, enum err e)
{
    struct beginning *beginning = arg;

    if (e == OK)
        rpc_later_steps(beginning->later, steps, on_flow, beginning);
    else
        answer_begin(beginning, e);
}

/* Nobody who may not return is told anything by a redirect. */
static enum err check_begin(struct beginning *beginning, struct auth *auth)
{
    const struct oauth_ask *ask = beginning->ask;
    struct call *call = beginning->call;

    beginning->asking = (struct oauth_asking){
        .call = call, .oauth = auth->oauth, .provider = oauth_find_provider(auth->oauth, ask->provider)
    };
    if (beginning->asking.provider == NULL)
        return call_fail(call, ERR_NOT_FOUND, "provider: there is none of this name");
    if (!beginning->from_page && !oauth_may_return_to(auth->settings, ask->return_to))
        return call_fail(call, ERR_INVALID_ARGUMENT, "return_to: is not one of MADANG_AUTH_OAUTH_RETURN_TO");
    if (!base64url_is_canonical(ask->challenge))
        return call_fail(call, ERR_INVALID_ARGUMENT, "challenge: is no SHA-256 in base64url");
    return OK;
}

static void begin_sign_in(
    struct beginning *beginning, struct call *call, const struct oauth_ask *ask, struct rpc_later *later)
{
    beginning->later = later;
    beginning->call = call;
    beginning->ask = ask;
    enum err e = check_begin(beginning, call->context);
    if (e == OK)
        oauth_discover(&beginning->asking, on_discovered, beginning);
    else
        answer_begin(beginning, e);
}

void oauth_begin(struct call *call, const struct oauth_ask *ask, struct rpc_later *later)
{
    begin_sign_in(arena_zero(call->arena, sizeof(struct beginning)), call, ask, later);
}

/* The same for a page of ours, whose verifier lies with the browser, as a cookie. */
void oauth_form_begin(struct call *call, const struct oauth_form_ask *req, struct rpc_later *later)
{
    struct beginning *beginning = arena_zero(call->arena, sizeof *beginning);
    struct oauth_ask *ask = arena_zero(call->arena, sizeof *ask);
    struct url_value for_what = { req->link ? "link" : "returns", STR("true") };

    beginning->from_page = true;
    beginning->begun.verifier = make_secret(call->arena);
    *ask = (struct oauth_ask){ .provider = req->provider,
        .return_to =
            url_build(call->arena, auth_public_url(call), "/account/oauth", &for_what, req->link || req->returns),
        .challenge = sha256_text(call->arena, beginning->begun.verifier),
        .invitation = req->invitation.len > 0 ? req->invitation : STR_NONE,
        .link = req->link,
        .lang = req->lang };
    begin_sign_in(beginning, call, ask, later);
}
