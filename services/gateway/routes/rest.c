/* rest.c - HTTP requests that a ROUTE row answers. */
// SPDX-License-Identifier: Apache-2.0
#include <string.h>
#include <strings.h>
#include <utlist.h>

#include "libshared/base/clock.h"
#include "libshared/base/holding.h"
#include "libshared/base/log.h"
#include "libshared/http/media_type.h"
#include "libshared/wire/json.h"
#include "services/gateway/routes/query.h"
#include "services/gateway/routes/rest_private.h"

/* The credential of a body that took longer may have been revoked meanwhile. */
#define RECHECK_US 1000000

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

void rest_begin_wait(struct rest *rest)
{
    rest->waits = true;
    rest->routes->in_flight++;
}

void rest_end_wait(struct rest *rest)
{
    rest->waits = false;
    rest->routes->in_flight--;
}

static void succeed_with_json(struct rest *rest, struct str body)
{
    struct buf json = BUF(REPLY_BYTES_MAX);
    bool bare = rest->row->answer == ANSWER_BARE;

    if (!bare) buf_add_str(&json, STR("{\"success\":true,\"data\":"));
    enum err e = wire_to_json(methods[rest->row->method].rep(), body, &json);
    if (!bare) buf_add_char(&json, '}');
    if (e != OK || json.over)
        rest_fail(rest, ERR_INTERNAL);
    else
        rest_answer(rest, rest->row->status, "ok", buf_str(&json), NULL);
    buf_free(&json);
}

/* The field `url` of the reply, which tests/contract asks for. */
static void succeed_with_redirect(struct rest *rest, struct str body)
{
    const struct wire_shape *shape = methods[rest->row->method].rep();
    char *record = arena_zero(http_arena(rest->http), shape->size);
    struct wire_error why;

    if (wire_decode(shape, body, http_arena(rest->http), record, &why) != OK) {
        rest_fail(rest, ERR_INTERNAL);
        return;
    }
    const struct str *url = (const struct str *)(const void *)(record + wire_find(shape, STR("url"))->at);
    rest_answer(rest, rest->row->status, "ok", STR_NONE, &(struct http_header_out){ "Location", *url });
}

static void answer_success(struct rest *rest, struct str body)
{
    switch (rest->row->answer) {
    case ANSWER_ENVELOPE:
    case ANSWER_BARE: succeed_with_json(rest, body); return;
    case ANSWER_EMPTY: rest_answer(rest, rest->row->status, "ok", STR_NONE, NULL); return;
    case ANSWER_REDIRECT: succeed_with_redirect(rest, body); return;
    case ANSWER_STREAM: rest_download_begin(rest, body); return;
    }
}

static void on_reply(void *arg, enum err status, struct str body)
{
    struct rest *rest = arg;

    rest_end_wait(rest);
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
        answer_success(rest, body);
    } else {
        struct failure failure = { 0 };
        rpc_failure_read(body, http_arena(rest->http), &failure);
        rest_fail_with(rest, status, &failure, NULL);
    }
}

struct principal rest_principal(const struct rest *rest)
{
    const struct bearer *bearer = rest->rights.bearer;

    if (bearer == NULL) return (struct principal){ .kind = STR("anonymous"), .address = http_address(rest->http) };
    return bearer_principal(rest->routes->bearers, bearer, bearer_session(bearer), http_address(rest->http));
}

/* A key speaks for a program, a user's token for a person. */
static bool is_user(const struct bearer *bearer)
{
    return bearer != NULL && !str_is(bearer_kind_name(bearer), "key");
}

static bool charge_request(struct rest *rest, struct rate_payer *payer)
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
    int64_t announced = http_content_length(rest->http);
    struct rate_payer payer = { .amount = { [UNIT_CALLS] = 1, [UNIT_BYTES] = announced > 0 ? announced : 0 } };

    return charge_request(rest, &payer);
}

bool rest_charge_bytes(struct rest *rest, int64_t bytes)
{
    struct rate_payer payer = { .amount = { [UNIT_BYTES] = bytes } };

    return charge_request(rest, &payer);
}

bool rest_charge_chunks(struct rest *rest, size_t bytes)
{
    return http_content_length(rest->http) >= 0 || rest_charge_bytes(rest, (int64_t)bytes);
}

static bool charge_rest(struct rest *rest)
{
    return rest_charge_chunks(rest, rest->upload != NULL ? rest_upload_uncharged(rest) : http_body(rest->http).len);
}

static bool charge_items(struct rest *rest, const struct wire_shape *shape, const void *record)
{
    struct rate_payer payer = { .amount = { [UNIT_ITEMS] = count_items(shape, record) } };

    return charge_request(rest, &payer);
}

/* Does the request bring what its row takes, and take what its row answers? */
static enum err check_media(const struct rest *rest)
{
    struct http *http = rest->http;

    if (http_content_length(http) != 0 && !media_type_is(http_header(http, "content-type"), route_takes(rest->row)))
        return ERR_UNSUPPORTED_MEDIA;
    const char *answers = route_answers(rest->row);
    bool accepted = answers == NULL || media_type_accepted(http_header(http, "accept"), answers);
    return accepted ? OK : ERR_NOT_ACCEPTABLE;
}

static bool is_allowed_in(const struct rest *rest, struct str room)
{
    return rest->row->event[0] == '\0' ||
           rights_allow(&rest->rights, str_of(rest->row->nsp), str_of(rest->row->event), room, rest->row->action);
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
    return rest->allowed || is_allowed_in(rest, room_of(given, json, rest->routes->scratch));
}

/* Which room it is about.  false: the body says that, or the path is no good. */
static bool knows_room(const struct rest *rest, struct str *room)
{
    const struct route_params *params = &rest->params;

    *room = STR_NONE;
    for (size_t i = 0; i < params->n; i++)
        if (str_is(params->at[i].name, "room"))
            return query_decode(params->at[i].value, false, http_arena(rest->http), room);
    return wire_find(methods[rest->row->method].req(), STR("room")) == NULL;
}

static enum err check_policy(struct rest *rest)
{
    struct str room;

    if (!knows_room(rest, &room)) return OK;
    rest->allowed = is_allowed_in(rest, room);
    return rest->allowed ? OK : ERR_FORBIDDEN;
}

/* An event that is delivered under a name of its own is asked about by that name, too. */
static bool may_deliver(const struct rest *rest, const struct wire_shape *shape, const void *record)
{
    const struct room_event *event = record;
    struct str nsp = str_of(rest->row->nsp);
    char room[ID_TEXT_BYTES + 1];

    if (shape != room_event_shape()) return true;
    id_format(event->room, room);
    return rights_allow(&rest->rights, nsp, event->event, str_of(room), rest->row->action) &&
           !rights_deny(&rest->rights, nsp, event->event, str_of(room), POLICY_PUBLISH);
}

/* URLs are written down on their way, so nobody shall get used to a key in one: what a POST says is in its body. */
static struct str query_of(struct http *http)
{
    return str_is(http_method(http), "POST") ? STR_NONE : http_query(http);
}

static enum err encode_request(struct rest *rest, struct buf *body, struct wire_error *why)
{
    const struct wire_shape *shape = methods[rest->row->method].req();
    struct arena *arena = rest->routes->scratch;
    struct str json = http_body(rest->http);
    struct wire_given_list given;

    if (json.len == 0) json = STR("{}");
    TRY(query_read(&rest->params, query_of(rest->http), arena, &given, why));
    if (rest->upload != NULL) rest_upload_give(rest, arena, &given);
    if (!is_allowed(rest, &given, json)) return ERR_FORBIDDEN;
    void *record = arena_zero(arena, shape->size + 1); /* `nothing` has no size */
    TRY(wire_read_json_over(shape, json, given, arena, record, why));
    if (!may_deliver(rest, shape, record)) return ERR_FORBIDDEN;
    if (!charge_items(rest, shape, record)) return ERR_RATE_LIMITED;
    return wire_encode(shape, record, body);
}

void rest_forward(struct rest *rest, struct str body)
{
    struct principal who = rest_principal(rest);

    rest_begin_wait(rest);
    if (rest->upload != NULL) rest_upload_end(rest);
    method_call(
        rest->routes->service[rest->row->service], rest->row->method, &who, str_of(rest->trace), body, on_reply, rest);
}

void rest_ask_service(struct rest *rest)
{
    struct arena *scratch = rest->routes->scratch; /* a request that is refused is over */
    struct buf body = BUF(REPLY_BYTES_MAX);
    struct wire_error why = { 0 };

    if (rest->upload != NULL && !rest_upload_is_sent(rest)) return;
    enum err e = charge_rest(rest) ? OK : ERR_RATE_LIMITED;

    if (e == OK) e = encode_request(rest, &body, &why);
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

/* The caller and its rights are known: is the body to come? */
static void admit_request(struct rest *rest)
{
    enum err e = OK;

    if (rest->whole) {
        rest_ask_service(rest);
        return;
    }
    if (rest->rights.bearer != NULL) e = holding_belongs(http_holding(rest->http), bearer_subject(rest->rights.bearer));
    if (e == OK && !rest_charge_call(rest)) e = ERR_RATE_LIMITED;
    if (e == OK) e = check_media(rest);
    if (e == OK) e = check_policy(rest);
    if (e != OK && rest_is_login(rest)) e = rest_count_malformed(rest, e);
    if (e == OK && rest->row->takes == TAKES_FORM)
        e = rest_upload_begin(rest);
    else if (e == OK)
        http_pause(rest->http, false);
    if (e != OK) rest_refuse(rest, e, &(struct wire_error){ 0 });
}

static void on_rights(void *arg, enum err e, const struct failure *why, const struct rights *rights)
{
    struct rest *rest = arg;

    rest_end_wait(rest);
    if (e == OK) rest->rights = *rights;
    if (rest->http == NULL)
        rest_end(rest);
    else if (e != OK)
        rest_fail_with(rest, e, why, NULL);
    else
        admit_request(rest);
}

/* auth may have to be asked what it may do: the body waits for that. */
static void authenticate_key(struct rest *rest, struct str key)
{
    if (!rest->whole) http_pause(rest->http, true);
    rest_begin_wait(rest);
    api_key_tokens_get_rights(
        rest->routes->api_key_tokens, key, http_address(rest->http), str_of(rest->trace), on_rights, rest);
}

static void authenticate_token(struct rest *rest, struct str token)
{
    enum err e = rights_get(rest->routes->bearers, token, http_address(rest->http), &rest->rights);
    int64_t retry_ms = guess_count_token(rest->routes->rates, http_address(rest->http), &e);
    struct failure failure = refusal_of_rate(e, rest->routes->rates, RATE_auth, retry_ms);

    if (e != OK)
        rest_fail_with(rest, e, &failure, NULL);
    else
        admit_request(rest);
}

/* Until what a gateway missed is known, nobody's rights are. */
static void hold_request(struct rest *rest)
{
    if (!rest->whole) http_pause(rest->http, true);
    rest_begin_wait(rest);
    DL_APPEND(rest->routes->held, rest);
}

static void authenticate_now(struct rest *rest)
{
    struct str header = http_header(rest->http, "authorization");

    if (header.len < 7 || strncasecmp(header.at, "Bearer ", 7) != 0)
        rest_fail(rest, ERR_UNAUTHENTICATED);
    else if (api_key_tokens_is_key(str_skip(header, 7)))
        authenticate_key(rest, str_skip(header, 7));
    else
        authenticate_token(rest, str_skip(header, 7));
}

static void authenticate_request(struct rest *rest)
{
    if (rest->routes->is_held)
        hold_request(rest);
    else
        authenticate_now(rest);
}

void routes_hold(struct routes *routes, bool hold)
{
    struct rest *rest;

    routes->is_held = hold;
    while (!routes->is_held && (rest = routes->held) != NULL) {
        DL_DELETE(routes->held, rest);
        rest_end_wait(rest);
        if (rest->http == NULL)
            rest_end(rest);
        else
            authenticate_now(rest);
    }
}

static struct rest *begin_rest(struct routes *routes, struct http *http)
{
    struct rest *rest = mem_zero(sizeof *rest);

    rest->routes = routes;
    rest->http = http;
    rest->began_us = clock_mono_us();
    choose_trace(rest);
    http_set_user(http, rest);
    return rest;
}

static size_t bytes_allowed(const struct routes *routes, const struct route_row *row)
{
    bool bounded = row->takes == TAKES_FORM || row->body_max < routes->body_max;

    return bounded ? row->body_max : routes->body_max;
}

/* All that the headers decide is decided here; a refusal is answered at once, and its body is not read. */
static int on_begin(void *arg, struct http *http)
{
    struct rest *rest = begin_rest(arg, http);
    char allow[64];

    rest->row = route_find(http_verb(http), http_path(http), &rest->params, allow);
    if (rest->row != NULL) http_set_body_max(http, bytes_allowed(rest->routes, rest->row));
    if (rest->row == NULL || rest->row->takes != TAKES_FORM) http_collect(http);
    if (rest->row != NULL && http_content_length(http) > (int64_t)bytes_allowed(rest->routes, rest->row)) {
        rest_fail(rest, ERR_TOO_LARGE);
    } else if (rest->row != NULL && rest->row->who == WHO_ANYONE) {
        admit_request(rest);
    } else if (rest->row != NULL) {
        authenticate_request(rest);
    } else if (allow[0] != '\0') {
        struct failure failure = refusal_plain(ERR_METHOD_NOT_ALLOWED);
        rest_fail_with(rest, ERR_METHOD_NOT_ALLOWED, &failure, &(struct http_header_out){ "Allow", str_of(allow) });
    } else {
        rest_fail(rest, ERR_NO_ROUTE);
    }
    return 0;
}

static void on_data(void *arg, struct http *http, struct str bytes)
{
    (void)arg;
    rest_upload_take(http_user(http), bytes);
}

static void on_writable(void *arg, struct http *http)
{
    (void)arg;
    rest_download_write(http_user(http));
}

static void on_ready(void *arg, struct http *http)
{
    struct rest *rest = http_user(http);

    (void)arg;
    rest->whole = true;
    if (rest->row->who == WHO_ANYONE || clock_mono_us() - rest->began_us < RECHECK_US) {
        rest_ask_service(rest);
        return;
    }
    rest->allowed = false;
    rights_drop(&rest->rights);
    authenticate_request(rest);
}

static void on_gone(void *arg, struct http *http)
{
    struct rest *rest = http_user(http);

    (void)arg;
    if (rest == NULL) return;
    rest_upload_leave(rest);
    rest_download_leave(rest);
    rest->http = NULL;
    if (!rest->waits) rest_end(rest);
}

const struct http_handler routes_handler = {
    .begin = on_begin, .data = on_data, .ready = on_ready, .writable = on_writable, .gone = on_gone
};
