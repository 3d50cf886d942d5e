/* oauth_asking.c - what a provider is asked, one request after the other, on the loop. */
// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>
#include <string.h>

#include "libshared/base/base64.h"
#include "libshared/base/clock.h"
#include "libshared/base/log.h"
#include "libshared/base/url.h"
#include "libshared/service/outwards.h"
#include "libshared/wire/json.h"
#include "services/auth/oauth/id_token.h"
#include "services/auth/oauth/oauth.h"

#define ANSWER_MAX      65536
#define METADATA_MS     3600000 /* that it is good for */
#define KEYS_MS         600000
#define KEYS_AGAIN_MS   10000 /* and for one that it has not, which anybody may name */
#define QUESTION_MS_MAX 4000
#define DEPTH_MAX       16

struct oauth_question {
    const char *name; /* for the log */
    bool (*is_asked)(struct oauth_asking *asking);
    enum err (*check)(struct oauth_asking *asking); /* before it is; NULL: nothing */
    void (*ask)(struct oauth_asking *asking, struct fetch_request *request);
    enum err (*take)(struct oauth_asking *asking, struct str body); /* a JSON text */
};

static enum err fail_asking(const struct oauth_asking *asking, enum err e, const char *question, const char *why)
{
    LOG(WARN, "auth.oauth_failed", F_TEXT("provider", asking->provider->name), F_TEXT("asked", question),
        F_TEXT("why", why), F_STR("trace", asking->call->trace));
    return e;
}

static struct str endpoint(const struct oauth_asking *asking, const char *name)
{
    return oauth_metadata(asking->provider, asking->call->arena, name);
}

static void keep_answer(struct buf *to, int64_t *at, struct str body)
{
    buf_clear(to);
    buf_add_str(to, body);
    *at = clock_ms();
}

/* --- where it is --- */

static bool is_discovery_asked(struct oauth_asking *asking)
{
    return asking->provider->speech == OIDC && clock_ms() - asking->provider->metadata_at > METADATA_MS;
}

static void ask_discovery(struct oauth_asking *asking, struct fetch_request *request)
{
    struct str issuer = str_of(asking->provider->issuer);

    if (issuer.len > 0 && issuer.at[issuer.len - 1] == '/') issuer.len--;
    request->url =
        arena_printf(asking->call->arena, "%.*s/.well-known/openid-configuration", STR_ARG(issuer)); /* its section 4 */
}

/* A browser is sent to the one, and our secret to the other. */
static bool is_endpoint(const struct oauth_asking *asking, struct str body, const char *name)
{
    char origin[URL_ORIGIN_MAX];
    struct str url;

    return json_find_text(body, name, asking->call->arena, &url) && url_origin(url, origin) &&
           (fetcher_is_plain(asking->call->fetcher) || str_starts(str_of(origin), STR("https:")));
}

static enum err take_discovery(struct oauth_asking *asking, struct str body)
{
    struct arena *arena = asking->call->arena;
    struct str issuer;

    if (!json_find_text(body, "issuer", arena, &issuer) || !str_is(issuer, asking->provider->issuer) ||
        !is_endpoint(asking, body, "authorization_endpoint") || !is_endpoint(asking, body, "token_endpoint") ||
        !is_endpoint(asking, body, "jwks_uri"))
        return fail_asking(asking, ERR_PROVIDER_FAILED, "discovery", "other_issuer");
    keep_answer(&asking->provider->metadata, &asking->provider->metadata_at, body);
    return OK;
}

/* --- the code becomes tokens --- */

static bool always(struct oauth_asking *asking)
{
    (void)asking;
    return true;
}

/* RFC 9207: the code may be another provider's, and is nothing for this one's token endpoint then. */
static enum err check_issuer(struct oauth_asking *asking)
{
    struct str said = asking->iss, wanted = endpoint(asking, "issuer"), raw;
    struct str metadata = buf_str(&asking->provider->metadata);
    bool has_to_say =
        json_find(metadata, "authorization_response_iss_parameter_supported", &raw) && str_is(raw, "true");

    if (said.len == 0 ? !has_to_say : str_eq(said, wanted)) return OK;
    return fail_asking(asking, ERR_CREDENTIALS_INVALID, "token", "other_issuer");
}

/* What is posted, as url_build() writes a query. */
static struct str form_of(struct arena *arena, const struct url_value *values, size_t n)
{
    return str_skip(url_build(arena, "", "/", values, n), 2);
}

/* OpenID Connect Core 9: by HTTP's own way, unless the provider lists the form. */
static bool is_secret_posted(const struct oauth_asking *asking)
{
    struct str list, item, text;
    struct json_open array = { 0 };
    struct json_in in;
    bool posts = false;

    if (!json_find(buf_str(&asking->provider->metadata), "token_endpoint_auth_methods_supported", &list)) return false;
    json_begin(&in, list, DEPTH_MAX);
    if (json_peek(&in) == '[' && json_open_array(&in, &array))
        while (json_next_item(&in, &array) && json_skip(&in, &item))
            posts = posts || (json_plain_text(item, &text) && str_is(text, "client_secret_post"));
    json_end(&in);
    return posts;
}

static struct str escaped(struct arena *arena, const char *text)
{
    return str_skip(url_build(arena, "", "/{text}", URL_VALUES({ "text", str_of(text) })), 1);
}

static struct str basic_of(const struct oauth_asking *asking)
{
    struct arena *arena = asking->call->arena;
    struct str plain = arena_printf(arena, "%.*s:%.*s", STR_ARG(escaped(arena, asking->provider->client)),
        STR_ARG(escaped(arena, asking->provider->secret)));
    char *text = arena_alloc(arena, base64_length(plain.len) + 1);

    base64_encode(text, plain);
    return arena_printf(arena, "Basic %.*s", (int)base64_length(plain.len), text);
}

static void add_header(struct oauth_asking *asking, struct fetch_request *request, const char *name, struct str value)
{
    struct fetch_header *headers = arena_zero(asking->call->arena, (request->n_headers + 1) * sizeof *headers);

    if (request->n_headers > 0) memcpy(headers, request->headers, request->n_headers * sizeof *headers);
    headers[request->n_headers++] = (struct fetch_header){ name, value };
    request->headers = headers;
}

static void ask_token(struct oauth_asking *asking, struct fetch_request *request)
{
    const struct oauth_provider *provider = asking->provider;
    bool has_secret = provider->secret[0] != '\0', posts = !has_secret || is_secret_posted(asking);
    struct url_value values[] = { { "grant_type", STR("authorization_code") }, { "code", asking->code },
        { "redirect_uri", oauth_callback(asking->call, provider) }, { "code_verifier", asking->verifier },
        { "client_id", str_of(provider->client) }, { "client_secret", str_of(provider->secret) } };

    request->method = "POST";
    request->url = endpoint(asking, "token_endpoint");
    request->body = form_of(asking->call->arena, values, has_secret && posts ? 6 : posts ? 5 : 4);
    add_header(asking, request, "Content-Type", STR("application/x-www-form-urlencoded"));
    if (!posts) add_header(asking, request, "Authorization", basic_of(asking));
}

/* GitHub says with 200 that it gives none. */
static enum err take_token(struct oauth_asking *asking, struct str body)
{
    struct arena *arena = asking->call->arena;

    if (!json_find_text(body, "access_token", arena, &asking->access_token) ||
        (asking->provider->speech == OIDC && !json_find_text(body, "id_token", arena, &asking->id_token)))
        return fail_asking(asking, ERR_CREDENTIALS_INVALID, "token", "no_token");
    asking->access_token = arena_str(arena, asking->access_token);
    asking->id_token = arena_str(arena, asking->id_token);
    return OK;
}

/* --- the keys of its id_token --- */

static bool is_keys_asked(struct oauth_asking *asking)
{
    struct oauth_provider *provider = asking->provider;
    int64_t age = clock_ms() - provider->keys_at;

    if (provider->speech != OIDC) return false;
    if (age > KEYS_MS) return true;
    return age > KEYS_AGAIN_MS &&
           !id_token_key_is_there(asking->call->arena, buf_str(&provider->keys), asking->id_token);
}

static void ask_keys(struct oauth_asking *asking, struct fetch_request *request)
{
    request->url = endpoint(asking, "jwks_uri");
}

static enum err take_keys(struct oauth_asking *asking, struct str body)
{
    keep_answer(&asking->provider->keys, &asking->provider->keys_at, body);
    return OK;
}

/* --- who it was --- */

/* An id_token mostly says no e-mail where one can be asked for here. */
static bool is_user_asked(struct oauth_asking *asking)
{
    return endpoint(asking, "userinfo_endpoint").len > 0;
}

static void ask_user(struct oauth_asking *asking, struct fetch_request *request)
{
    request->url = endpoint(asking, "userinfo_endpoint");
    add_header(asking, request, "Authorization",
        arena_printf(asking->call->arena, "Bearer %.*s", STR_ARG(asking->access_token)));
}

static enum err take_user(struct oauth_asking *asking, struct str body)
{
    asking->user = arena_str(asking->call->arena, body);
    return OK;
}

static bool is_emails_asked(struct oauth_asking *asking)
{
    return asking->provider->speech == GITHUB;
}

static void ask_emails(struct oauth_asking *asking, struct fetch_request *request)
{
    ask_user(asking, request);
    request->url = endpoint(asking, "emails_endpoint");
}

static enum err take_emails(struct oauth_asking *asking, struct str body)
{
    asking->emails = arena_str(asking->call->arena, body);
    return OK;
}

/* --- one after the other --- */

static const struct oauth_question where[] = {
    { "discovery", is_discovery_asked, NULL, ask_discovery, take_discovery },
    { .name = NULL },
};
static const struct oauth_question who[] = {
    { "discovery", is_discovery_asked, NULL, ask_discovery, take_discovery },
    { "token", always, check_issuer, ask_token, take_token },
    { "keys", is_keys_asked, NULL, ask_keys, take_keys },
    { "user", is_user_asked, NULL, ask_user, take_user },
    { "emails", is_emails_asked, NULL, ask_emails, take_emails },
    { .name = NULL },
};

static void ask_next(struct oauth_asking *asking);

static enum err judge_answer(struct oauth_asking *asking, const struct fetch_answer *answer)
{
    const struct oauth_question *question = asking->next;
    char status[24];

    if (answer->result != FETCH_ANSWERED)
        return fail_asking(asking, ERR_PROVIDER_FAILED, question->name, fetch_result_code(answer->result));
    snprintf(status, sizeof status, "status_%d", answer->status);
    if (answer->status / 100 == 4 && question->take == take_token)
        return fail_asking(asking, ERR_CREDENTIALS_INVALID, question->name, status);
    if (answer->status != 200) return fail_asking(asking, ERR_PROVIDER_FAILED, question->name, status);
    if (json_check(answer->body, DEPTH_MAX) != JSON_FINE)
        return fail_asking(asking, ERR_PROVIDER_FAILED, question->name, "no_json");
    return question->take(asking, answer->body);
}

static void on_answer(void *arg, const struct fetch_answer *answer)
{
    struct oauth_asking *asking = arg;
    enum err e = judge_answer(asking, answer);

    asking->next++;
    if (e == OK)
        ask_next(asking);
    else
        asking->done(asking->arg, e);
}

static int64_t time_left_ms(const struct call *call)
{
    int64_t left = (call->deadline_us - clock_mono_us()) / 1000;

    return left < QUESTION_MS_MAX ? left : QUESTION_MS_MAX;
}

static enum err ask_provider(struct oauth_asking *asking)
{
    static const char *const types[] = { "application/json", "application/jwk-set+json", NULL };
    struct fetch_request request = { .method = "GET", .types = types, .answer_max = ANSWER_MAX };

    if (asking->next->check != NULL) TRY(asking->next->check(asking));
    add_header(asking, &request, "Accept", STR("application/json"));
    asking->next->ask(asking, &request);
    request.timeout_ms = time_left_ms(asking->call);
    if (request.timeout_ms <= 0) return ERR_DEADLINE;
    (void)fetch_start(asking->call->fetcher, &request, on_answer, asking);
    return OK;
}

/* What another sign-in fetches meanwhile is not this one's. */
static void keep_what_holds(struct oauth_asking *asking)
{
    asking->issuer = str_of(asking->provider->issuer);
    asking->keys = arena_str(asking->call->arena, buf_str(&asking->provider->keys));
}

static void ask_next(struct oauth_asking *asking)
{
    while (asking->next->name != NULL && !asking->next->is_asked(asking)) asking->next++;
    enum err e = asking->next->name != NULL ? ask_provider(asking) : OK;
    if (e == OK && asking->next->name != NULL) return;
    if (e == OK) keep_what_holds(asking);
    asking->done(asking->arg, e);
}

static void begin_asking(
    struct oauth_asking *asking, const struct oauth_question *questions, void (*done)(void *arg, enum err e), void *arg)
{
    asking->next = questions;
    asking->done = done;
    asking->arg = arg;
    ask_next(asking);
}

void oauth_discover(struct oauth_asking *asking, void (*done)(void *arg, enum err e), void *arg)
{
    begin_asking(asking, where, done, arg);
}

void oauth_ask_who(struct oauth_asking *asking, void (*done)(void *arg, enum err e), void *arg)
{
    begin_asking(asking, who, done, arg);
}
