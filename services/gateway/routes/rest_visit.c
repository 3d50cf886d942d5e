/*
 * rest_visit.c - who asks from a page: the cookie of the pages' own session, instead of a header.
 *
 *      cookie --> auth: user.refresh --> access token --> rights, as of any bearer
 *                             `--> the next cookie, with the answer
 *
 * So the pages' session is one like any other: it is listed, ended and revoked as they are, and a copy of its cookie that is
 * used late ends it.  The access token never leaves this process.
 */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/base/clock.h"
#include "libshared/http/message/cookie.h"
#include "services/gateway/routes/rest_private.h"

#define REQUEST_BYTES_MAX 1024
#define TOKEN_CHARS_MAX   200 /* proto/auth.def: user_refresh.refresh_token */

static const struct cookie_row *borne_cookie(const struct rest *rest)
{
    for (const struct route_cookie *cookie = rest->row->cookies; cookie->use != USE_NONE; cookie++)
        if (cookie->use == USE_BORNE) return cookie->cookie;
    return NULL;
}

static enum cookie_found find_visit(const struct rest *rest, struct str *token)
{
    const struct cookie_row *cookie = borne_cookie(rest);

    return cookie == NULL ? COOKIE_ABSENT : cookie_find(http_header(rest->http, "cookie"), cookie->name, token);
}

bool rest_is_visit(const struct rest *rest)
{
    struct str token;
    bool has_header = rest->row->who == WHO_BEARER && http_header(rest->http, "authorization").len > 0;

    return !has_header && find_visit(rest, &token) != COOKIE_ABSENT;
}

void rest_put_visit(const struct rest *rest, struct rest_headers *headers)
{
    if (rest->visit.at == NULL) return;
    const struct cookie_row *cookie = borne_cookie(rest);
    rest_headers_add(headers, "Set-Cookie",
        cookie_set(http_arena(rest->http), cookie->name, rest->visit, cookie->path, cookie->same_site,
            rest->visit.len > 0 ? cookie->max_age_s : 0));
}

/* What is open to anybody is so to whom the cookie names no more. */
static void forget_visit(struct rest *rest, enum err e)
{
    rest->visit = STR("");
    if (rest->row->who == WHO_BEARER)
        rest_fail(rest, e);
    else
        rest_admit(rest);
}

static void go_on(struct rest *rest, struct str body)
{
    struct session_tokens *tokens = arena_zero(http_arena(rest->http), sizeof *tokens);
    struct wire_error why;

    if (wire_decode(session_tokens_shape(), body, http_arena(rest->http), tokens, &why) != OK) {
        rest_fail(rest, ERR_INTERNAL);
        return;
    }
    rest->visit = arena_str(http_arena(rest->http), tokens->refresh_token);
    rights_drop(&rest->rights);
    enum err e = rights_get(rest->routes->bearers, tokens->access_token, http_address(rest->http), &rest->rights);
    if (e == OK)
        rest_admit(rest);
    else
        rest_fail(rest, e);
}

static void on_refreshed(void *arg, enum err e, struct str body)
{
    struct rest *rest = arg;

    rest_end_wait(rest);
    if (rest->http == NULL) {
        rest_end(rest);
        return;
    }
    if (refusal_is_of_credential(e))
        rates_take(rest->routes->rates, RATE_auth, http_address(rest->http), clock_mono_us());
    if (e == OK)
        go_on(rest, body);
    else if (err_status(e) == 401)
        forget_visit(rest, e);
    else
        rest_fail(rest, e);
}

static void ask_for_session(struct rest *rest, struct str token)
{
    struct user_refresh refresh = { .refresh_token = token };
    struct buf body = BUF(REQUEST_BYTES_MAX);
    struct principal who = rest_principal(rest);

    if (token.len > TOKEN_CHARS_MAX || !cookie_is_value(token) ||
        wire_encode(user_refresh_shape(), &refresh, &body) != OK) {
        forget_visit(rest, ERR_TOKEN_INVALID);
    } else {
        if (!rest->whole) http_pause(rest->http, true);
        rest_begin_wait(rest);
        method_call(rest->routes->service[SERVICE_auth], M_auth_user_refresh, &who, str_of(rest->trace), buf_str(&body),
            on_refreshed, rest);
    }
    buf_free(&body);
}

void rest_authenticate_visit(struct rest *rest)
{
    struct str token = STR_NONE;
    struct failure failure;

    if (!http_sender_is_good(rest->http)) {
        rest_fail(rest, ERR_ORIGIN_REFUSED);
        return;
    }
    if (find_visit(rest, &token) == COOKIE_TWICE) {
        rest_fail(rest, ERR_MALFORMED);
        return;
    }
    int64_t wait_ms = rates_take(rest->routes->rates, RATE_address_refresh, http_address(rest->http), clock_mono_us());
    if (wait_ms == 0) {
        ask_for_session(rest, token);
        return;
    }
    failure = refusal_of_rate(ERR_RATE_LIMITED, rest->routes->rates, RATE_address_refresh, wait_ms);
    rest_fail_with(rest, ERR_RATE_LIMITED, &failure, NULL);
}
