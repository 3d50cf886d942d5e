/*
 * oauth.h - sign-ins by way of other providers.
 *
 *      program   challenge = SHA-256(verifier)
 *      browser   GET /oauth/google?return_to&challenge --> oauth.begin: a flow, its cookie --> Google
 *      Google    ................................................ /oauth/google/callback?code&state
 *      browser   with its cookie --> oauth.end: takes the flow, asks Google who it was, finds or makes the account
 *                --> return_to?code
 *      program   POST /oauth/login {code, verifier} --> oauth.login: a session
 *
 * With ?link=true oauth.end finds or makes no account: its code is for identity.link, which takes it from who is signed in and
 * knows the verifier.  So what somebody is known as elsewhere is linked by the program that asked for it, for the user that it
 * speaks for, and by no browser that was sent here.
 *
 * The flow is good once, for ten minutes, on one provider's way back, in the browser that began it; the code once, for two
 * minutes, to the program that knows the verifier.  So nobody's sign-in ends in another's browser, whichever way it goes.
 */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "services/auth/auth.h"
#include "services/auth/oauth/claims.h"
#include "libshared/base/secret_file.h"

struct fetch_answer;
struct fetcher;

#define METHOD_OAUTH "oauth:" /* and its provider: one of a session's `methods` */

enum oauth_speech { OIDC, KAKAO, GITHUB };

/* All of it belongs to the loop, but for what is set at the start: the name, whom we are known as and where it is. */
struct oauth_provider {
    const char *name, *label, *scopes, *client, *issuer;
    enum oauth_speech speech;
    char secret[SECRET_FILE_MAX]; /* "": none */
    struct buf metadata, keys;    /* JSON, as OpenID Connect Discovery and RFC 7517 have it */
    int64_t metadata_at, keys_at; /* when they were fetched; 0: never */
};

struct oauth;
/* Exits with one line if the settings are no good.  NULL: nobody signs in that way. */
struct oauth *oauth_create(const struct settings_auth *s);
void oauth_destroy(struct oauth **oauth);
/* Those of this installation, in the order of their rows. */
size_t oauth_providers(const struct oauth *oauth);
const struct oauth_provider *oauth_provider_at(const struct oauth *oauth, size_t i);
/* NULL: there is no such provider here. */
struct oauth_provider *oauth_find_provider(struct oauth *oauth, struct str name);
bool oauth_may_return_to(const struct settings_auth *s, struct str url);
/* Where it sends browsers to us. */
struct str oauth_callback(const struct call *call, const struct oauth_provider *provider);
/* What its metadata say; STR_NONE: nothing.  In the arena. */
struct str oauth_metadata(const struct oauth_provider *provider, struct arena *arena, const char *name);

/* --- oauth_asking.c: what the provider is asked, one request after the other, on the loop --- */

struct oauth_asking {
    struct call *call;
    struct oauth *oauth;
    struct oauth_provider *provider;
    struct str code, verifier, iss;    /* wanted: the browser's, the flow's, the browser's */
    struct str access_token, id_token; /* got */
    struct str user, emails;           /* JSON: userinfo, /v2/user/me, /user; GitHub's list */
    struct str issuer, keys;           /* as they are then, in the call's arena */
    const struct oauth_question *next; /* its own */
    void (*done)(void *arg, enum err e);
    void *arg;
};
/* Where it is.  `done` may come from within. */
void oauth_discover(struct oauth_asking *asking, void (*done)(void *arg, enum err e), void *arg);
/* The account at the provider.  ERR_PROVIDER_FAILED, ERR_CREDENTIALS_INVALID, and the log says why. */
void oauth_ask_who(struct oauth_asking *asking, void (*done)(void *arg, enum err e), void *arg);

/* --- oauth_account.c: whose account it is, on a worker --- */

/* Found, linked or made.  ERR_FORBIDDEN: nobody registers here that way; ERR_GONE: nor with this invitation;
 * ERR_CREDENTIALS_INVALID: they may not sign in; of these nothing was written.  ERR_CONFLICT: somebody came between; once more. */
struct account;
enum err oauth_account(struct call *call, const struct oauth_provider *provider, const struct oauth_claims *claims,
    const struct oauth_flow *flow, struct account *out) MUST_CHECK;

/* --- identity.c --- */

#define IDENTITIES_MAX 20 /* of an account; proto/auth.def: identity_page */

/* An account at a provider, as the provider says. */
struct oauth_identity {
    struct str provider, issuer, subject, email;
    bool email_verified;
};
/* On a worker: it signs in to this account from now on.  ERR_CONFLICT: it is another's, or there are too many. */
enum err identity_keep(struct call *call, struct id account, const struct oauth_identity *identity) MUST_CHECK;
/* The same of an account that was there before, whose user is told. */
enum err identity_add(struct call *call, struct id account, const struct oauth_identity *identity) MUST_CHECK;
