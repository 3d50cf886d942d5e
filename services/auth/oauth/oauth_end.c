/*
 * oauth_end.c - a browser comes back from a provider.
 *
 *      worker: its flow is taken --> loop: the provider is asked --> worker: the account, and a code --> return_to
 *
 * Without its flow it gets a page, for there is nowhere to go.  With it, it goes to return_to, whatever happened: what that
 * is told is a code, or an error of proto/errors.def.
 */
// SPDX-License-Identifier: Apache-2.0
#include <ctype.h>

#include "libshared/base/secret.h"
#include "libshared/base/url.h"
#include "services/auth/abuse/attempts.h"
#include "services/auth/oauth/id_token.h"
#include "services/auth/oauth/oauth.h"
#include "services/auth/oauth/sha256.h"
#include "services/auth/single_use/single_use.h"
#include "services/auth/users/users.h"

#define CODE_ESCAPED_MAX 4000
#define SETTLES_MAX      3 /* two browsers may make one account at the same moment, or want one nickname */

struct ending {
    struct rpc_later *later;
    struct call *call;
    const struct oauth_return *back;
    struct oauth_asking asking;
    struct oauth_flow flow;
    enum err refused; /* what return_to is told; OK: a code */
    struct str code;
    int settles;
    struct web_page page;
};

static void answer_end(struct ending *ending, enum err e)
{
    rpc_later_done(ending->later, e, &ending->page);
}

/* --- on a worker: is it the browser, and is it the provider, of a flow? --- */

static bool is_of_browser(struct arena *arena, const struct oauth_flow *flow, struct str cookie)
{
    return cookie.len > 0 && secret_eq(sha256_of(arena, cookie).at, flow->browser.at, SHA256_BYTES);
}

/* Another browser that comes with the state leaves it good for the one that it was made for. */
static enum err take_flow(struct pg *pg, struct arena *arena, void *arg)
{
    struct ending *ending = arg;
    const struct oauth_return *back = ending->back;

    TRY(single_use_read(pg, arena, &single_use_oauth_flow, back->state, NULL, &ending->flow));
    if (!str_eq(ending->flow.provider, back->provider) || !is_of_browser(arena, &ending->flow, back->browser))
        return ERR_GONE;
    return single_use_take(pg, arena, &single_use_oauth_flow, back->state, NULL, &ending->flow);
}

static const struct rpc_step taking[] = {
    { WORKER, take_flow },
    { 0 },
};

/* --- on a worker: what the provider said --- */

static bool is_same(const struct oauth_claims *a, const struct oauth_claims *b)
{
    return str_eq(a->subject, b->subject);
}

/* An e-mail and whether it is verified come from one answer, not each from another. */
static const char *read_oidc(struct ending *ending, struct arena *arena, struct oauth_claims *out)
{
    const struct oauth_asking *asking = &ending->asking;
    struct oauth_claims more;
    struct str json;
    const char *why = id_token_check(arena, asking->keys, asking->id_token,
        &(struct id_token_wants){ .issuer = asking->issuer,
            .client = str_of(asking->provider->client),
            .nonce = ending->flow.nonce,
            .now_s = ending->call->now / 1000 },
        &json);

    if (why != NULL) return why;
    if (!claims_read_oidc(arena, json, out)) return "no_subject";
    if (asking->user.at == NULL) return NULL;
    if (!claims_read_oidc(arena, asking->user, &more) || !is_same(out, &more)) return "other_subject";
    if (out->email.at == NULL || more.email.at != NULL) *out = more;
    return NULL;
}

static const char *read_claims(struct ending *ending, struct arena *arena, struct oauth_claims *out)
{
    const struct oauth_asking *asking = &ending->asking;

    switch (asking->provider->speech) {
    case OIDC: return read_oidc(ending, arena, out);
    case KAKAO: return claims_read_kakao(arena, asking->user, out) ? NULL : "no_subject";
    case GITHUB: return claims_read_github(arena, asking->user, asking->emails, out) ? NULL : "no_subject";
    }
    return "no_subject";
}

/* What was refused before anything was written is noted, and committed. */
static enum err refuse_end(struct ending *ending, struct call *call, enum err e)
{
    ending->refused = e;
    return attempt_note(call->pg, call->arena,
        &(struct attempt){ .kind = ATTEMPT_oauth,
            .address = call->who->address,
            .device = call->who->agent,
            .trace = call->trace,
            .result = e });
}

static enum err make_code(struct ending *ending, struct call *call, const struct oauth_claims *claims)
{
    struct account account;
    enum err e = oauth_account(call, ending->asking.provider, claims, &ending->flow, &account);

    if (e == ERR_FORBIDDEN || e == ERR_GONE || e == ERR_CREDENTIALS_INVALID) return refuse_end(ending, call, e);
    TRY(e);
    return single_use_make(call->pg, call->arena, &single_use_oauth_login,
        &(struct single_use_draft){ .account = account.id },
        &(struct oauth_code){ .provider = ending->flow.provider, .challenge = ending->flow.challenge }, &ending->code);
}

/* The caller who brings the code decides whose account the identity becomes part of. */
static enum err make_link(struct ending *ending, struct call *call, const struct oauth_claims *claims)
{
    return single_use_make(call->pg, call->arena, &single_use_oauth_link,
        &(struct single_use_draft){ .holder = call->who->address },
        &(struct oauth_link){ .provider = ending->flow.provider,
            .issuer = str_of(ending->asking.provider->issuer),
            .subject = claims->subject,
            .email = claims->email,
            .email_verified = claims->email_verified,
            .challenge = ending->flow.challenge },
        &ending->code);
}

static enum err settle_sign_in(struct pg *pg, struct arena *arena, void *arg)
{
    struct ending *ending = arg;
    struct call call = call_on_worker(ending->call, pg, arena);
    struct oauth_claims claims;

    if (ending->refused != OK) return refuse_end(ending, &call, ending->refused);
    const char *why = read_claims(ending, arena, &claims);
    if (why == NULL) return (ending->flow.link ? make_link : make_code)(ending, &call, &claims);
    LOG(WARN, "auth.oauth_refused", F_TEXT("provider", ending->asking.provider->name), F_TEXT("why", why),
        F_STR("trace", call.trace));
    return refuse_end(ending, &call, ERR_CREDENTIALS_INVALID);
}

static const struct rpc_step settling[] = {
    { WORKER, settle_sign_in },
    { 0 },
};

/* --- on the loop --- */

static struct str return_url(const struct ending *ending)
{
    struct arena *arena = ending->call->arena;
    struct url_value value = { "code", ending->code };
    size_t mark;

    if (ending->refused != OK) value = (struct url_value){ "error", str_of(err_code(ending->refused)) };
    struct str query = str_skip(url_build(arena, "", "/", &value, 1), 2), to = ending->flow.return_to;
    return arena_printf(arena, "%.*s%c%.*s", STR_ARG(to), str_find(to, '?', &mark) ? '&' : '?', STR_ARG(query));
}

static void on_settled(void *arg, enum err e)
{
    struct ending *ending = arg;

    if (e == ERR_CONFLICT && ++ending->settles < SETTLES_MAX) {
        rpc_later_steps(ending->later, settling, on_settled, ending);
        return;
    }
    if (e == OK) {
        ending->page.status = 303;
        ending->page.url = return_url(ending);
    }
    answer_end(ending, e);
}

static void on_known(void *arg, enum err e)
{
    struct ending *ending = arg;

    ending->refused = e;
    rpc_later_steps(ending->later, settling, on_settled, ending);
}

/* Characters of RFC 6749 A.11, so many that what is posted has room for each of them escaped. */
static bool is_code(struct str code)
{
    size_t escaped = 0;

    for (size_t i = 0; i < code.len; i++) {
        if (code.at[i] < 0x20 || code.at[i] > 0x7e) return false;
        escaped += isalnum((unsigned char)code.at[i]) ? 1 : 3;
    }
    return code.len > 0 && escaped <= CODE_ESCAPED_MAX;
}

static void on_flow(void *arg, enum err e)
{
    struct ending *ending = arg;
    const struct oauth_return *back = ending->back;

    if (e != OK) {
        answer_end(ending, e);
        return;
    }
    ending->asking.code = back->code;
    ending->asking.verifier = ending->flow.verifier;
    ending->asking.iss = back->iss;
    if (back->error.len > 0 || !is_code(back->code))
        on_known(ending, ERR_PROVIDER_REFUSED);
    else
        oauth_ask_who(&ending->asking, on_known, ending);
}

void oauth_end(struct call *call, const struct oauth_return *back, struct rpc_later *later)
{
    struct ending *ending = arena_zero(call->arena, sizeof *ending);
    struct auth *auth = call->context;

    ending->later = later;
    ending->call = call;
    ending->back = back;
    ending->asking = (struct oauth_asking){
        .call = call, .oauth = auth->oauth, .provider = oauth_find_provider(auth->oauth, back->provider)
    };
    if (ending->asking.provider == NULL)
        answer_end(ending, call_fail(call, ERR_NOT_FOUND, "provider: there is none of this name"));
    else
        rpc_later_steps(later, taking, on_flow, ending);
}
