/* rest_cookies.c - what a browser keeps: fields of a request that come from its cookies, and of a reply that go there. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/base/log.h"
#include "libshared/http/message/cookie.h"
#include "libshared/wire/json.h"
#include "services/gateway/routes/query.h"
#include "services/gateway/routes/rest_private.h"

static enum cookie_found find_cookie(const struct rest *rest, const struct route_cookie *cookie, struct str *value)
{
    if (cookie->use == USE_SET) return COOKIE_ABSENT;
    return cookie_find(http_header(rest->http, "cookie"), cookie->cookie->name, value);
}

/* One that the row reads or clears. */
static bool brings_cookie(const struct rest *rest)
{
    struct str value;

    for (const struct route_cookie *cookie = rest->row->cookies; cookie->use != USE_NONE; cookie++)
        if (find_cookie(rest, cookie, &value) != COOKIE_ABSENT) return true;
    return false;
}

static bool row_sets(const struct route_row *row)
{
    for (const struct route_cookie *cookie = row->cookies; cookie->use != USE_NONE; cookie++)
        if (cookie->use == USE_SET) return true;
    return false;
}

enum err rest_check_sender(struct rest *rest)
{
    bool is_browsers = rest->row->takes == TAKES_FIELDS || brings_cookie(rest);

    return !is_browsers || http_sender_is_good(rest->http) ? OK : ERR_ORIGIN_REFUSED;
}

enum err rest_give_cookies(struct rest *rest, struct str json, struct wire_given_list *given, struct wire_error *why)
{
    for (const struct route_cookie *cookie = rest->row->cookies; cookie->use != USE_NONE; cookie++) {
        struct str value, said;
        if (cookie->use != USE_READ) continue;
        switch (find_cookie(rest, cookie, &value)) {
        case COOKIE_ABSENT: break;
        case COOKIE_TWICE:
            return wire_refuse(why, ERR_MALFORMED, NULL, "the cookie %s is there twice", cookie->cookie->name);
        case COOKIE_FOUND:
            if (!utf8_is_valid(value.at, value.len))
                return wire_refuse(why, ERR_MALFORMED, NULL, "the cookie %s is not UTF-8", cookie->cookie->name);
            if (!json_find(json, cookie->field, &said)) given_put(given, cookie->field, value);
        }
    }
    return OK;
}

/* A request that may come from others than browsers says `cookie`; a form is a browser's. */
static bool asks_for_cookies(const struct rest *rest, const struct wire_shape *shape, const void *record)
{
    const struct wire_field *f = wire_find(shape, STR("cookie"));

    if (rest->row->takes == TAKES_FIELDS) return true;
    return f == NULL || f->kind != WIRE_BOOL || *(const bool *)((const char *)record + f->at) || brings_cookie(rest);
}

static bool is_borne(const struct route_row *row, const struct cookie_row *which)
{
    for (const struct route_cookie *cookie = row->cookies; cookie->use != USE_NONE; cookie++)
        if (cookie->use == USE_BORNE && cookie->cookie == which) return true;
    return false;
}

static void clear_cookies(struct rest *rest)
{
    struct str value;

    for (const struct route_cookie *cookie = rest->row->cookies; cookie->use != USE_NONE; cookie++)
        if (cookie->use == USE_CLEARED && find_cookie(rest, cookie, &value) != COOKIE_ABSENT) {
            rest->cookies[rest->n_cookies++] = (struct http_header_out){ "Set-Cookie",
                cookie_set(http_arena(rest->http), cookie->cookie->name, STR(""), cookie->cookie->path,
                    cookie->cookie->same_site, 0) };
            if (is_borne(rest->row, cookie->cookie)) rest->visit = STR_NONE;
        }
}

enum err rest_choose_cookies(struct rest *rest, const struct wire_shape *shape, const void *record)
{
    rest->n_cookies = 0;
    rest->sets_cookies = row_sets(rest->row) && asks_for_cookies(rest, shape, record);
    if (rest->sets_cookies && !http_sender_is_good(rest->http)) return ERR_ORIGIN_REFUSED;
    clear_cookies(rest);
    return OK;
}

enum err rest_set_cookies(struct rest *rest, const struct wire_shape *shape, void *record)
{
    if (!rest->sets_cookies) return OK;
    for (const struct route_cookie *cookie = rest->row->cookies; cookie->use != USE_NONE; cookie++) {
        if (cookie->use != USE_SET) continue;
        struct str *value = (void *)((char *)record + wire_find(shape, str_of(cookie->field))->at);
        if (value->len > 0 && !cookie_is_value(*value)) {
            LOG_BOUNDED(ERROR, "gateway.no_cookie", F_TEXT("cookie", cookie->cookie->name));
            return ERR_INTERNAL;
        }
        if (value->len > 0)
            rest->cookies[rest->n_cookies++] = (struct http_header_out){ "Set-Cookie",
                cookie_set(http_arena(rest->http), cookie->cookie->name, *value, cookie->cookie->path,
                    cookie->cookie->same_site, cookie->cookie->max_age_s) };
        *value = STR_NONE;
    }
    return OK;
}
