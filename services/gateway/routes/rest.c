/* rest.c - HTTP requests that a ROUTE row answers. */
// SPDX-License-Identifier: Apache-2.0
#include <assert.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "libshared/base/clock.h"
#include "libshared/base/log.h"
#include "libshared/base/secret.h"
#include "libshared/http/http_server.h"
#include "libshared/policy/api_key.h"
#include "services/gateway/routes/inside.h"
#include "services/gateway/routes/query.h"

#define TRACE_CHARS_MAX 64

/* One request on its way. */
struct rest {
    struct routes *routes;
    struct http *http; /* NULL: the client hung up */
    const struct route_row *row;
    struct route_params params;
    struct rights rights; /* empty for ANYONE */
    int64_t began_us;
    struct rate_state rate;
    char key[API_KEY_ID_CHARS + 1]; /* id of the API key in the body, once it is known to be good */
    struct guess *guess;            /* that one is under way */
    char *body;                     /* while it waits for its turn */
    size_t body_len;
    char trace[TRACE_CHARS_MAX + 1];
};

static bool is_trace(struct str text)
{
    if (text.len < 8 || text.len > TRACE_CHARS_MAX) return false;
    for (size_t i = 0; i < text.len; i++)
        if (text.at[i] == '\0' ||
            strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-", text.at[i]) == NULL)
            return false;
    return true;
}

static void choose_trace(struct rest *rest)
{
    struct str given = http_header(rest->http, "x-request-id");

    if (is_trace(given))
        memcpy(rest->trace, given.at, given.len);
    else
        id_format(id_new(), rest->trace);
}

/* Does `path` begin with this text, some of its characters written as %XX perhaps? */
static bool spells(struct str path, const char *text)
{
    for (; *text != '\0'; text++) {
        char escape[4];
        snprintf(escape, sizeof escape, "%%%02x", (unsigned char)*text);
        bool escaped = path.len >= 3 && strncasecmp(path.at, escape, 3) == 0;
        if (!escaped && (path.len == 0 || path.at[0] != *text)) return false;
        path = str_skip(path, escaped ? 3 : 1);
    }
    return true;
}

/* A path that holds an API key, or what a token begins with, ends before it. */
static struct str loggable(struct str path)
{
    for (size_t i = 0; i < path.len; i++)
        if (spells(str_skip(path, i), "mdk_") || spells(str_skip(path, i), "eyJ")) return (struct str){ path.at, i };
    return path;
}

static void log_request(const struct rest *rest, int status, const char *code)
{
    static struct log_bound strangers; /* they ask as often as they like */
    int64_t left_out = 0;

    if (rest->rights.bearer == NULL && status >= 400 && !log_may_write(&strangers, &left_out)) return;
    LOG(INFO, "gateway.http", F_STR("method", http_method(rest->http)), F_STR("path", loggable(http_path(rest->http))),
        F_INT("status", status), F_TEXT("code", code), F_STR("address", http_address(rest->http)),
        F_STR("subject", rest->rights.bearer != NULL ? bearer_subject(rest->rights.bearer) : STR_NONE),
        F_TEXT("trace", rest->trace), F_INT("us", clock_mono_us() - rest->began_us), F_SOME("left_out", left_out));
}

static void forget_body(struct rest *rest)
{
    if (rest->body == NULL) return;
    secret_wipe(rest->body, rest->body_len);
    mem_free(rest->body);
    rest->body = NULL;
}

static void end(struct rest *rest)
{
    rights_drop(&rest->rights);
    forget_body(rest);
    mem_free(rest);
}

/* As draft-ietf-httpapi-ratelimit-headers has them: the rate of which the smallest part is left. */
static size_t put_rate(const struct rest *rest, char policy[96], char left[96], struct http_header_out *headers)
{
    const struct rate_state *rate = &rest->rate;
    int64_t wait_s = rate->retry_after_ms > 0 ? (rate->retry_after_ms + 999) / 1000 : rate->window_s;

    if (rate->name == NULL) return 0;
    snprintf(policy, 96, "\"%s\";q=%" PRId64 ";w=%" PRId64, rate->name, rate->limit, rate->window_s);
    snprintf(left, 96, "\"%s\";r=%" PRId64 ";t=%" PRId64, rate->name, rate->left, wait_s);
    headers[0] = (struct http_header_out){ "RateLimit-Policy", str_of(policy) };
    headers[1] = (struct http_header_out){ "RateLimit", str_of(left) };
    return 2;
}

static void answer(struct rest *rest, int status, const char *code, struct str json, const struct http_header_out *more)
{
    struct http_header_out headers[4] = { { "X-Request-Id", str_of(rest->trace) } };
    char policy[96], left[96];
    size_t n = 1 + put_rate(rest, policy, left, headers + 1);

    if (more != NULL) headers[n++] = *more;
    log_request(rest, status, code);
    http_set_user(rest->http, NULL);
    http_reply(rest->http, status, "application/json", json, headers, n);
    end(rest);
}

/* {"success":false,"error":{"code","message","details"}}: the details are what is left of the failure. */
static void put_failure(const struct failure *failure, struct buf *out)
{
    struct buf text = BUF(REFUSAL_BYTES_MAX);

    refusal_json(failure, &text);
    json_t *details = json_loadb(text.at, text.len, 0, NULL);
    json_t *envelope = json_pack("{s:b, s:{s:O, s:O, s:o}}", "success", 0, "error", "code",
        json_object_get(details, "code"), "message", json_object_get(details, "message"), "details", details);
    json_object_del(details, "code");
    json_object_del(details, "message");
    char *dumped = json_dumps(envelope, JSON_COMPACT);
    buf_add_str(out, str_of(dumped));
    free(dumped);
    json_decref(envelope);
    buf_free(&text);
}

static void fail_with(struct rest *rest, enum err e, const struct failure *failure, const struct http_header_out *more)
{
    struct buf json = BUF(REFUSAL_BYTES_MAX * 2);
    char seconds[24];
    struct http_header_out retry = { "Retry-After", STR_NONE }, bearer = { "WWW-Authenticate", STR("Bearer") };

    if (more == NULL && err_status(e) == 401) more = &bearer;
    if (more == NULL && failure->retry_after_ms > 0) {
        snprintf(seconds, sizeof seconds, "%lld", (long long)(failure->retry_after_ms + 999) / 1000);
        retry.value = str_of(seconds);
        more = &retry;
    }
    put_failure(failure, &json);
    answer(rest, err_status(e), err_code(e), buf_str(&json), more);
    buf_free(&json);
}

static void fail(struct rest *rest, enum err e)
{
    struct failure failure = refusal_plain(e);

    fail_with(rest, e, &failure, NULL);
}

/* Public keys are read by others' libraries, which want them bare. */
static bool is_bare(const struct route_row *row)
{
    return strncmp(row->path, "/.well-known/", strlen("/.well-known/")) == 0;
}

static void succeed(struct rest *rest, struct str body)
{
    struct buf json = BUF(REPLY_BYTES_MAX);
    bool bare = is_bare(rest->row);

    if (!bare) buf_add_str(&json, STR("{\"success\":true,\"data\":"));
    enum err e = wire_to_json(methods[rest->row->method].rep(), body, &json);
    if (!bare) buf_add_char(&json, '}');
    if (e != OK || json.over)
        fail(rest, ERR_INTERNAL);
    else
        answer(rest, rest->row->status, "ok", buf_str(&json), NULL);
    buf_free(&json);
}

static void on_reply(void *arg, enum err status, struct str body)
{
    struct rest *rest = arg;

    rest->routes->in_flight--;
    int64_t retry_ms = rest->guess != NULL ? guess_end(rest->guess, status) : 0;
    rest->guess = NULL;
    if (rest->http == NULL) {
        end(rest);
        return;
    }
    if (retry_ms > 0) {
        struct failure failure = refusal_later(ERR_RATE_LIMITED, retry_ms);
        fail_with(rest, ERR_RATE_LIMITED, &failure, NULL);
        return;
    }
    if (status == OK) {
        succeed(rest, body);
    } else {
        struct failure failure = { 0 };
        rpc_failure_read(body, http_arena(rest->http), &failure);
        fail_with(rest, status, &failure, NULL);
    }
}

static struct principal who_asks(const struct rest *rest)
{
    const struct bearer *bearer = rest->rights.bearer;

    if (bearer == NULL) return (struct principal){ .kind = STR("anonymous"), .address = http_address(rest->http) };
    return (struct principal){ .sub = bearer_subject(bearer),
        .kind = bearer_kind_name(bearer),
        .session = bearer_session(bearer),
        .key = bearer_key(bearer),
        .policy = bearer_policy(bearer),
        .address = http_address(rest->http),
        .quotas = bearers_quotas(rest->routes->bearers, bearer) };
}

/* A key speaks for a program, a user's token for somebody. */
static bool is_user(const struct bearer *bearer)
{
    return bearer != NULL && !str_starts(bearer_subject(bearer), STR("key:"));
}

static bool charge(struct rest *rest, struct rate_payer *payer)
{
    const struct bearer *bearer = rest->rights.bearer;
    struct rate_state state;

    payer->who[BY_ADDRESS] = http_address(rest->http);
    if (bearer != NULL) payer->who[BY_SUBJECT] = bearer_subject(bearer);
    payer->who[BY_KEY] = bearer != NULL ? bearer_key(bearer) : str_of(rest->key);
    if (is_user(bearer)) payer->who[BY_USER] = bearer_subject(bearer);
    bool good = rates_charge(rest->routes->rates, rest->row->class, payer, clock_mono_us(), &state);
    if (state.name != NULL) rest->rate = state;
    return good;
}

/* By what is known before anything is parsed. */
static bool charge_call(struct rest *rest)
{
    struct rate_payer payer = { .amount = { [UNIT_CALLS] = 1, [UNIT_BYTES] = (int64_t)http_body(rest->http).len } };

    return charge(rest, &payer);
}

static bool charge_items(struct rest *rest, const json_t *args)
{
    struct rate_payer payer = { .amount = { [UNIT_ITEMS] = count_items(args) } };

    return charge(rest, &payer);
}

static void refuse_request(struct rest *rest, enum err e, const struct wire_error *why)
{
    struct failure failure = e == ERR_RATE_LIMITED ? refusal_over(&rest->rate) : refusal_of(e, why);

    fail_with(rest, e, &failure, NULL);
}

static bool is_json_body(struct http *http)
{
    struct str type = http_header(http, "content-type");
    const char wanted[] = "application/json";
    size_t len = sizeof wanted - 1;

    return http_body(http).len == 0 || (type.len >= len && strncasecmp(type.at, wanted, len) == 0 &&
                                           (type.len == len || strchr("; ", type.at[len])));
}

static bool is_allowed(const struct rest *rest, const json_t *args)
{
    struct str room = str_of(json_string_value(json_object_get(args, "room")));

    return rest->row->event[0] == '\0' ||
           rights_allow(&rest->rights, STR("/chat"), str_of(rest->row->event), room, rest->row->action);
}

/* URLs are written down on their way, so nobody shall get used to a key in one: what a POST says is in its body. */
static struct str query_of(struct http *http)
{
    return str_is(http_method(http), "POST") ? STR_NONE : http_query(http);
}

static enum err encode(struct rest *rest, struct buf *body, struct wire_error *why)
{
    const struct wire_shape *shape = methods[rest->row->method].req();
    enum err e = OK;
    json_t *args =
        query_merge(shape, &rest->params, query_of(rest->http), http_body(rest->http), http_arena(rest->http), &e, why);

    if (args != NULL && !is_allowed(rest, args)) e = ERR_FORBIDDEN;
    if (e == OK && !charge_items(rest, args)) e = ERR_RATE_LIMITED;
    if (e == OK) e = wire_from_jansson(shape, args, body, why);
    json_decref(args);
    return e;
}

static void forward(struct rest *rest, struct str body)
{
    struct principal who = who_asks(rest);

    http_set_user(rest->http, rest);
    rest->routes->in_flight++;
    method_call(
        rest->routes->service[rest->row->service], rest->row->method, &who, str_of(rest->trace), body, on_reply, rest);
}

static void keep_body(struct rest *rest, struct str body)
{
    rest->body = mem_alloc(body.len);
    rest->body_len = body.len;
    memcpy(rest->body, body.at, body.len);
}

/* The client hung up while its credential waited: nothing is asked. */
static void give_up_turn(struct rest *rest)
{
    if (rest->guess != NULL) guess_end(rest->guess, ERR_UNAVAILABLE);
    end(rest);
}

/* Nobody's guesses use up what a key may ask for: it is counted once it is known to be good. */
static void ask_for_token(struct rest *rest)
{
    if (guess_is_known(rest->guess) && !charge_call(rest)) {
        guess_end(rest->guess, ERR_RATE_LIMITED);
        refuse_request(rest, ERR_RATE_LIMITED, NULL);
    } else {
        forward(rest, (struct str){ rest->body, rest->body_len });
    }
}

static void on_turn(void *arg, enum err e, int64_t retry_after_ms, struct guess *guess)
{
    struct rest *rest = arg;
    struct failure failure = refusal_later(e, retry_after_ms);

    rest->routes->in_flight--;
    rest->guess = guess;
    if (rest->http == NULL)
        give_up_turn(rest);
    else if (e != OK)
        fail_with(rest, e, &failure, NULL);
    else
        ask_for_token(rest);
}

/* A credential in the body: it may have to wait for its turn. */
static void present(struct rest *rest, struct str body)
{
    struct token_draft draft = { 0 };
    struct api_key_parts parts;
    struct wire_error why;

    http_set_user(rest->http, rest);
    rest->routes->in_flight++;
    keep_body(rest, body);
    enum err e = wire_decode(
        token_draft_shape(), (struct str){ rest->body, rest->body_len }, http_arena(rest->http), &draft, &why);
    assert(e == OK);
    if (api_key_parse(draft.api_key, &parts)) memcpy(rest->key, parts.id.at, parts.id.len);
    keyring_present(rest->routes->keyring, draft.api_key, http_address(rest->http), on_turn, rest);
}

static bool is_login(const struct rest *rest)
{
    return rest->row->class == CLASS_login;
}

/* No credential was found in it. */
static enum err refuse_malformed(struct rest *rest, enum err e)
{
    struct rate_payer payer = { .amount = { [UNIT_CALLS] = 1 } };

    payer.who[BY_ADDRESS] = http_address(rest->http);
    bool good = rates_charge(rest->routes->rates, CLASS_malformed, &payer, clock_mono_us(), &rest->rate);
    return good ? e : ERR_RATE_LIMITED;
}

/* Who asks is known, and what he may do. */
static void ask_service(struct rest *rest)
{
    struct buf body = BUF(REPLY_BYTES_MAX);
    struct wire_error why = { 0 };
    enum err e = OK;

    if (!charge_call(rest)) e = ERR_RATE_LIMITED;
    if (e == OK && !is_json_body(rest->http)) e = ERR_UNSUPPORTED_MEDIA;
    if (e == OK) e = encode(rest, &body, &why);
    if (e != OK && is_login(rest)) e = refuse_malformed(rest, e);
    if (e == OK && is_login(rest)) {
        present(rest, buf_str(&body));
    } else if (e == OK) {
        forward(rest, buf_str(&body));
    } else {
        refuse_request(rest, e, &why);
    }
    buf_free(&body);
}

static void on_rights(void *arg, enum err e, const struct failure *why, const struct rights *rights)
{
    struct rest *rest = arg;

    rest->routes->in_flight--;
    if (e == OK) rest->rights = *rights;
    if (rest->http == NULL)
        end(rest);
    else if (e != OK)
        fail_with(rest, e, why, NULL);
    else
        ask_service(rest);
}

static void authenticate_key(struct rest *rest, struct str key)
{
    http_set_user(rest->http, rest);
    rest->routes->in_flight++;
    keyring_rights(rest->routes->keyring, key, http_address(rest->http), str_of(rest->trace), on_rights, rest);
}

static void authenticate_token(struct rest *rest, struct str token)
{
    enum err e = rights_get(rest->routes->bearers, token, http_address(rest->http), &rest->rights);
    int64_t retry_ms = guess_count_token(rest->routes->rates, http_address(rest->http), &e);
    struct failure failure = refusal_later(e, retry_ms);

    if (e != OK)
        fail_with(rest, e, &failure, NULL);
    else
        ask_service(rest);
}

static void authenticate(struct rest *rest)
{
    struct str header = http_header(rest->http, "authorization");

    if (header.len < 7 || strncasecmp(header.at, "Bearer ", 7) != 0)
        fail(rest, ERR_UNAUTHENTICATED);
    else if (keyring_is_key(str_skip(header, 7)))
        authenticate_key(rest, str_skip(header, 7));
    else
        authenticate_token(rest, str_skip(header, 7));
}

static int on_begin(void *arg, struct http *http)
{
    (void)arg, (void)http;
    return 0;
}

static void on_ready(void *arg, struct http *http)
{
    struct routes *routes = arg;
    struct rest *rest = mem_zero(sizeof *rest);
    char allow[64];

    rest->routes = routes;
    rest->http = http;
    rest->began_us = clock_mono_us();
    choose_trace(rest);
    rest->row = route_find(http_method(http), http_path(http), &rest->params, allow);
    if (rest->row != NULL && rest->row->who == WHO_ANYONE) {
        ask_service(rest);
    } else if (rest->row != NULL) {
        authenticate(rest);
    } else if (allow[0] != '\0') {
        struct failure failure = refusal_plain(ERR_METHOD_NOT_ALLOWED);
        fail_with(rest, ERR_METHOD_NOT_ALLOWED, &failure, &(struct http_header_out){ "Allow", str_of(allow) });
    } else {
        fail(rest, ERR_NO_ROUTE);
    }
}

static void on_gone(void *arg, struct http *http)
{
    struct rest *rest = http_user(http);

    (void)arg;
    if (rest != NULL) rest->http = NULL;
}

const struct http_handler routes_handler = { .begin = on_begin, .ready = on_ready, .gone = on_gone };
