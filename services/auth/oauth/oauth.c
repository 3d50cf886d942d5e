/* oauth.c - the providers of this installation, as the settings have them. */
// SPDX-License-Identifier: Apache-2.0
#include "services/auth/oauth/oauth.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libshared/base/secret.h"
#include "libshared/base/url.h"
#include "libshared/wire/json.h"
#include "libshared/wire/json_text.h"

#define METADATA_MAX 65536

enum {
#define PROVIDER(name, speech, at, and_at, scopes, label, doc) PROVIDER_##name,
#include "services/auth/oauth/providers.def"
#undef PROVIDER
    PROVIDERS
};

struct oauth {
    size_t n;
    struct oauth_provider at[PROVIDERS];
};

/* A provider's settings. */
struct provider_settings {
    const char *name, *label, *scopes, *client, *secret, *at, *and_at;
    enum oauth_speech speech;
};

static void read_settings(const struct settings_auth *s, struct provider_settings out[PROVIDERS])
{
#define PROVIDER(name_, speech_, at_, and_at_, scopes_, label_, doc)                                                   \
    out[PROVIDER_##name_] = (struct provider_settings){ .name = #name_,                                                \
        .label = label_,                                                                                               \
        .scopes = scopes_,                                                                                             \
        .client = s->oauth_##name_##_client_id,                                                                        \
        .secret = s->oauth_##name_##_client_secret,                                                                    \
        .at = s->at_,                                                                                                  \
        .and_at = s->and_at_,                                                                                          \
        .speech = speech_ };
#include "services/auth/oauth/providers.def"
#undef PROVIDER
}

static _Noreturn void refuse_settings(const char *name, const char *what)
{
    fprintf(stderr, "madang: MADANG_AUTH_OAUTH_%s: %s\n", name, what);
    exit(2);
}

static bool is_url(const char *text)
{
    char origin[URL_ORIGIN_MAX];

    return url_origin(str_of(text), origin);
}

/* --- who has no discovery document gets one from us --- */

static void put_endpoint(struct buf *out, const char *name, const char *origin, const char *path)
{
    struct buf url = BUF(METADATA_MAX);

    buf_printf(&url, "%s%s", origin, path);
    buf_printf(out, ",\"%s\":", name);
    json_put_text(out, buf_str(&url));
    buf_free(&url);
}

static void write_metadata(const struct provider_settings *s, struct buf *out)
{
    bool is_kakao = s->speech == KAKAO;

    buf_add_str(out, STR("{\"issuer\":"));
    json_put_text(out, str_of(s->at));
    put_endpoint(out, "authorization_endpoint", s->at, is_kakao ? "/oauth/authorize" : "/login/oauth/authorize");
    put_endpoint(out, "token_endpoint", s->at, is_kakao ? "/oauth/token" : "/login/oauth/access_token");
    put_endpoint(out, "userinfo_endpoint", s->and_at, is_kakao ? "/v2/user/me" : "/user");
    if (!is_kakao) put_endpoint(out, "emails_endpoint", s->and_at, "/user/emails");
    buf_add_str(out, STR(",\"token_endpoint_auth_methods_supported\":[\"client_secret_post\"]}"));
}

static void add_provider(struct oauth *oauth, const struct provider_settings *s)
{
    struct oauth_provider *provider = &oauth->at[oauth->n++];

    if (!is_url(s->at) || !is_url(s->and_at)) refuse_settings(s->name, "wants to know where it is: https://host");
    *provider = (struct oauth_provider){ .name = s->name,
        .label = s->label,
        .scopes = s->scopes,
        .client = s->client,
        .issuer = s->at,
        .speech = s->speech,
        .metadata = BUF(METADATA_MAX),
        .keys = BUF(METADATA_MAX) };
    if (s->secret[0] != '\0' && !secret_file_read(s->secret, provider->secret))
        refuse_settings(s->name, "its CLIENT_SECRET: the file cannot be read, or is empty");
    if (s->speech != OIDC) write_metadata(s, &provider->metadata);
}

struct oauth *oauth_create(const struct settings_auth *s)
{
    struct provider_settings rows[PROVIDERS];
    struct oauth *oauth = mem_zero(sizeof *oauth);

    read_settings(s, rows);
    for (size_t i = 0; i < PROVIDERS; i++)
        if (rows[i].client[0] != '\0') add_provider(oauth, &rows[i]);
    if (oauth->n == 0) {
        mem_free(oauth);
        return NULL;
    }
    return oauth;
}

void oauth_destroy(struct oauth **oauth)
{
    if (*oauth == NULL) return;
    for (size_t i = 0; i < (*oauth)->n; i++) {
        secret_wipe((*oauth)->at[i].secret, SECRET_FILE_MAX);
        buf_free(&(*oauth)->at[i].metadata);
        buf_free(&(*oauth)->at[i].keys);
    }
    mem_free(*oauth);
    *oauth = NULL;
}

size_t oauth_providers(const struct oauth *oauth)
{
    return oauth != NULL ? oauth->n : 0;
}

const struct oauth_provider *oauth_provider_at(const struct oauth *oauth, size_t i)
{
    return &oauth->at[i];
}

struct oauth_provider *oauth_find_provider(struct oauth *oauth, struct str name)
{
    for (size_t i = 0; oauth != NULL && i < oauth->n; i++)
        if (str_is(name, oauth->at[i].name)) return &oauth->at[i];
    return NULL;
}

/* To the letter: what a server makes of a path that only begins like one of them is not known here. */
bool oauth_may_return_to(const struct settings_auth *s, struct str url)
{
    struct str list = str_of(s->oauth_return_to);

    while (list.at != NULL)
        if (str_eq(str_trim(str_cut(&list, ',')), url)) return url.len > 0;
    return false;
}

struct str oauth_callback(const struct call *call, const struct oauth_provider *provider)
{
    return url_build(call->arena, auth_public_url(call), "/api/v1/auth/oauth/{provider}/callback",
        URL_VALUES({ "provider", str_of(provider->name) }));
}

struct str oauth_metadata(const struct oauth_provider *provider, struct arena *arena, const char *name)
{
    struct str text;

    return json_find_text(buf_str(&provider->metadata), name, arena, &text) ? arena_str(arena, text) : STR_NONE;
}
