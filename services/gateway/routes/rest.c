/* rest.c - HTTP requests that a ROUTE row answers, from the headers to the call of the service. */
// SPDX-License-Identifier: Apache-2.0
#include <assert.h>
#include <string.h>

#include "libshared/base/clock.h"
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
    assert(rest->routes->in_flight > 0);
    rest->routes->in_flight--;
}

static bool charge_rest(struct rest *rest)
{
    return rest_charge_chunks(rest, rest->upload != NULL ? rest_upload_uncharged(rest) : http_body(rest->http).len);
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
    return rest->allowed || rest_is_allowed(rest, room_of(given, json, rest->routes->scratch));
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
    given_begin(&given, arena);
    TRY(rest_give_cookies(rest, json, &given, why));
    TRY(query_read(&rest->params, query_of(rest->http), arena, &given, why));
    if (rest->row->takes == TAKES_FIELDS) {
        TRY(form_read(shape, json, arena, &given, why));
        json = STR("{}");
    }
    if (rest->row->takes == TAKES_FLAT) json = flat_read(shape, rest->row->rest, json, arena);
    rest_give_headers(rest, shape, &given);
    rest_give_page(rest, shape, &given);
    rest_tus_give(rest, shape, &given);
    if (rest->upload != NULL) rest_upload_give(rest, arena, &given);
    if (!is_allowed(rest, &given, json)) return ERR_FORBIDDEN;
    void *record = arena_zero(arena, shape->size + 1); /* `nothing` has no size */
    TRY(wire_read_json_over(shape, json, given, arena, record, why));
    TRY(rest_choose_cookies(rest, shape, record));
    if (!may_deliver(rest, shape, record)) return ERR_FORBIDDEN;
    if (!rest_charge_items(rest, count_items(shape, record))) return ERR_RATE_LIMITED;
    if (!rest_session_may(rest, shape, record)) return ERR_RATE_LIMITED;
    return wire_encode(shape, record, body);
}

void rest_forward(struct rest *rest, struct str body)
{
    struct principal who = rest_principal(rest);

    rest_begin_wait(rest);
    if (rest->upload != NULL) rest_upload_end(rest);
    method_call(rest->routes->service[rest->row->service], rest->row->method, &who, str_of(rest->trace), body,
        rest_take_reply, rest);
}

void rest_ask_service(struct rest *rest)
{
    struct arena *scratch = rest->routes->scratch; /* a request that is refused is over */
    struct buf body = BUF(REPLY_BYTES_MAX);
    struct wire_error why = { 0 };

    if (rest->intake != NULL) {
        rest_intake_end(rest);
        return;
    }
    if (rest->upload != NULL && !rest_upload_is_sent(rest)) return;
    enum err e = charge_rest(rest) ? OK : ERR_RATE_LIMITED;

    if (e == OK) e = encode_request(rest, &body, &why);
    if (e != OK && rest_has_proof(rest)) e = rest_count_malformed(rest, e);
    if (e == OK && rest_has_proof(rest)) {
        rest_present(rest, buf_str(&body));
    } else if (e == OK) {
        rest_forward(rest, buf_str(&body));
    } else {
        rest_refuse(rest, e, &why);
    }
    arena_reset(scratch);
    buf_free(&body);
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
    bool bounded = route_is_streamed(row) || row->body_max < routes->body_max;

    return bounded ? row->body_max : routes->body_max;
}

/* All that the headers decide is decided here; a refusal is answered at once, and its body is not read. */
static int on_begin(void *arg, struct http *http)
{
    struct rest *rest = begin_rest(arg, http);
    char allow[ROUTE_METHODS_BYTES];

    rest->row = route_find(http_verb(http), http_path(http), &rest->params, allow);
    if (rest->row != NULL) http_set_body_max(http, bytes_allowed(rest->routes, rest->row));
    if (rest->row == NULL || !route_is_streamed(rest->row)) http_collect(http);
    if (rest->row != NULL && http_content_length(http) > (int64_t)bytes_allowed(rest->routes, rest->row)) {
        rest_fail(rest, ERR_TOO_LARGE);
    } else if (rest->row != NULL && !rest_wants_token(rest) && !rest_is_visit(rest)) {
        rest_admit(rest);
    } else if (rest->row != NULL) {
        rest_authenticate(rest);
    } else if (allow[0] != '\0') {
        struct failure failure = refusal_plain(ERR_METHOD_NOT_ALLOWED);
        rest_fail_with(rest, ERR_METHOD_NOT_ALLOWED, &failure, &(struct http_header_out){ "Allow", str_of(allow) });
    } else {
        rest_fail(rest, ERR_NO_ROUTE);
    }
    return 0;
}

static const char *list_methods(void *arg, struct http *http)
{
    struct route_params params;
    char *allow = arena_alloc(http_arena(http), ROUTE_METHODS_BYTES);

    (void)arg;
    (void)route_find(STR("OPTIONS"), http_path(http), &params, allow);
    return allow[0] != '\0' ? allow : NULL;
}

static void on_data(void *arg, struct http *http, struct str bytes)
{
    struct rest *rest = http_user(http);

    (void)arg;
    if (rest->intake != NULL)
        rest_intake_take(rest, bytes);
    else
        rest_upload_take(rest, bytes);
}

static void on_writable(void *arg, struct http *http)
{
    struct rest *rest = http_user(http);

    (void)arg;
    if (rest->lines != NULL)
        rest_lines_write(rest);
    else
        rest_download_write(rest);
}

static void on_ready(void *arg, struct http *http)
{
    struct rest *rest = http_user(http);

    (void)arg;
    rest->whole = true;
    if (rest->rights.bearer == NULL || clock_mono_us() - rest->began_us < RECHECK_US) {
        rest_ask_service(rest);
        return;
    }
    rest->allowed = false;
    rights_drop(&rest->rights);
    rest_authenticate(rest);
}

static void on_gone(void *arg, struct http *http)
{
    struct rest *rest = http_user(http);

    (void)arg;
    if (rest == NULL) return;
    rest_upload_leave(rest);
    rest_download_leave(rest);
    rest_lines_leave(rest);
    rest_intake_leave(rest);
    rest->http = NULL;
    if (!rest->waits) rest_end(rest);
}

static const struct http_handler routes_handler = {
    .begin = on_begin,
    .data = on_data,
    .ready = on_ready,
    .writable = on_writable,
    .gone = on_gone,
    .allows = list_methods,
    .headers = "Content-Security-Policy: default-src 'none'; frame-ancestors 'none'\n"
               "Referrer-Policy: no-referrer\n"
               "Cross-Origin-Resource-Policy: same-site\n",
};

#define PLACES_MAX 32

static bool is_among(char places[][ROUTE_PLACE_BYTES], size_t n, const char *place)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(places[i], place) == 0) return true;
    return false;
}

void routes_mount(struct routes *routes, struct http_server *server)
{
    static char places[PLACES_MAX][ROUTE_PLACE_BYTES];
    size_t n = 0;

    for (size_t i = 0; n < PLACES_MAX && route_place(i, places[n]); i++)
        if (!is_among(places, n, places[n])) http_mount(server, places[n++], &routes_handler, routes);
    assert(n < PLACES_MAX);
}
