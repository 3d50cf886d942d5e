/* rest.c - HTTP requests that a ROUTE row answers. */
// SPDX-License-Identifier: Apache-2.0
#include <string.h>
#include <strings.h>

#include "libshared/base/clock.h"
#include "libshared/base/holding.h"
#include "libshared/base/log.h"
#include "libshared/wire/json.h"
#include "services/gateway/routes/query.h"
#include "services/gateway/routes/rest_private.h"

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
        rest_fail(rest, ERR_INTERNAL);
    else
        rest_answer(rest, rest->row->status, "ok", buf_str(&json), NULL);
    buf_free(&json);
}

static void on_reply(void *arg, enum err status, struct str body)
{
    struct rest *rest = arg;

    rest->routes->in_flight--;
    int64_t retry_ms = rest->guess != NULL ? guess_end(rest->guess, status) : 0;
    rest->guess = NULL;
    if (rest->http == NULL) {
        rest_end(rest);
        return;
    }
    if (retry_ms > 0) {
        struct failure failure = refusal_of_rate(ERR_RATE_LIMITED, rest->routes->rates, RATE_auth, retry_ms);
        rest_fail_with(rest, ERR_RATE_LIMITED, &failure, NULL);
        return;
    }
    if (status == OK) {
        succeed(rest, body);
    } else {
        struct failure failure = { 0 };
        rpc_failure_read(body, http_arena(rest->http), &failure);
        rest_fail_with(rest, status, &failure, NULL);
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
    return bearer != NULL && !str_is(bearer_kind_name(bearer), "key");
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

bool rest_charge_call(struct rest *rest)
{
    struct rate_payer payer = { .amount = { [UNIT_CALLS] = 1, [UNIT_BYTES] = (int64_t)http_body(rest->http).len } };

    return charge(rest, &payer);
}

static bool charge_items(struct rest *rest, const struct wire_shape *shape, const void *record)
{
    struct rate_payer payer = { .amount = { [UNIT_ITEMS] = count_items(shape, record) } };

    return charge(rest, &payer);
}

static bool is_json_body(struct http *http)
{
    struct str type = http_header(http, "content-type");
    const char wanted[] = "application/json";
    size_t len = sizeof wanted - 1;

    return http_body(http).len == 0 || (type.len >= len && strncasecmp(type.at, wanted, len) == 0 &&
                                           (type.len == len || strchr("; ", type.at[len])));
}

/* The room as it will be read: what path or query say of it goes before the body. */
static struct str room_of(const struct wire_given_list *given, struct str json, struct arena *arena)
{
    struct str room = STR_NONE;

    for (size_t i = given->len; i-- > 0;)
        if (str_is(given->at[i].name, "room")) return given->at[i].value;
    return json_find_text(json, "room", arena, &room) ? room : STR_NONE;
}

static bool is_allowed(const struct rest *rest, const struct wire_given_list *given, struct str json)
{
    return rest->row->event[0] == '\0' || rights_allow(&rest->rights, STR("/chat"), str_of(rest->row->event),
                                              room_of(given, json, rest->routes->scratch), rest->row->action);
}

/* URLs are written down on their way, so nobody shall get used to a key in one: what a POST says is in its body. */
static struct str query_of(struct http *http)
{
    return str_is(http_method(http), "POST") ? STR_NONE : http_query(http);
}

static enum err encode(struct rest *rest, struct buf *body, struct wire_error *why)
{
    const struct wire_shape *shape = methods[rest->row->method].req();
    struct arena *arena = rest->routes->scratch;
    struct str json = http_body(rest->http);
    struct wire_given_list given;

    if (json.len == 0) json = STR("{}");
    TRY(query_read(&rest->params, query_of(rest->http), arena, &given, why));
    if (!is_allowed(rest, &given, json)) return ERR_FORBIDDEN;
    void *record = arena_zero(arena, shape->size + 1); /* `nothing` has no size */
    TRY(wire_read_json_over(shape, json, given, arena, record, why));
    if (!charge_items(rest, shape, record)) return ERR_RATE_LIMITED;
    return wire_encode(shape, record, body);
}

void rest_forward(struct rest *rest, struct str body)
{
    struct principal who = who_asks(rest);

    http_set_user(rest->http, rest);
    rest->routes->in_flight++;
    method_call(
        rest->routes->service[rest->row->service], rest->row->method, &who, str_of(rest->trace), body, on_reply, rest);
}

/* Who asks is known, and what he may do. */
static void ask_service(struct rest *rest)
{
    struct arena *scratch = rest->routes->scratch; /* a request that is refused is over */
    struct buf body = BUF(REPLY_BYTES_MAX);
    struct wire_error why = { 0 };
    enum err e = OK;

    if (rest->rights.bearer != NULL) e = holding_belongs(http_holding(rest->http), bearer_subject(rest->rights.bearer));
    if (e == OK && !rest_charge_call(rest)) e = ERR_RATE_LIMITED;
    if (e == OK && !is_json_body(rest->http)) e = ERR_UNSUPPORTED_MEDIA;
    if (e == OK) e = encode(rest, &body, &why);
    if (e != OK && rest_is_login(rest)) e = rest_count_malformed(rest, e);
    if (e == OK && rest_is_login(rest)) {
        rest_present(rest, buf_str(&body));
    } else if (e == OK) {
        rest_forward(rest, buf_str(&body));
    } else {
        rest_refuse(rest, e, &why);
    }
    arena_reset(scratch);
    buf_free(&body);
}

static void on_rights(void *arg, enum err e, const struct failure *why, const struct rights *rights)
{
    struct rest *rest = arg;

    rest->routes->in_flight--;
    if (e == OK) rest->rights = *rights;
    if (rest->http == NULL)
        rest_end(rest);
    else if (e != OK)
        rest_fail_with(rest, e, why, NULL);
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
    struct failure failure = refusal_of_rate(e, rest->routes->rates, RATE_auth, retry_ms);

    if (e != OK)
        rest_fail_with(rest, e, &failure, NULL);
    else
        ask_service(rest);
}

static void authenticate(struct rest *rest)
{
    struct str header = http_header(rest->http, "authorization");

    if (header.len < 7 || strncasecmp(header.at, "Bearer ", 7) != 0)
        rest_fail(rest, ERR_UNAUTHENTICATED);
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
        rest_fail_with(rest, ERR_METHOD_NOT_ALLOWED, &failure, &(struct http_header_out){ "Allow", str_of(allow) });
    } else {
        rest_fail(rest, ERR_NO_ROUTE);
    }
}

static void on_gone(void *arg, struct http *http)
{
    struct rest *rest = http_user(http);

    (void)arg;
    if (rest != NULL) rest->http = NULL;
}

const struct http_handler routes_handler = { .begin = on_begin, .ready = on_ready, .gone = on_gone };
