/* rest_reply.c - what a service says becomes the answer that the row promises. */
// SPDX-License-Identifier: Apache-2.0
#include <string.h>

#include "libshared/base/clock.h"
#include "libshared/wire/json.h"
#include "services/gateway/routes/rest_private.h"

static enum err print_reply(struct rest *rest, struct str body, struct buf *json)
{
    const struct wire_shape *shape = methods[rest->row->method].rep();
    struct wire_error why;

    if (!rest->sets_cookies) return wire_to_json(shape, body, json);
    void *record = arena_zero(http_arena(rest->http), shape->size);
    TRY(wire_decode(shape, body, http_arena(rest->http), record, &why));
    TRY(rest_set_cookies(rest, shape, record));
    return wire_write_json(shape, record, json);
}

/* Of 201 with nothing in it: it was accepted, and is made later. */
static int status_of(const struct rest *rest, struct str body)
{
    return rest->row->status == 201 && str_eq(body, STR("\x80")) ? 202 : rest->row->status;
}

/* Of a page, whose JSON begins at `data` and ends the text: {...,"meta":{...}} becomes {...},"meta":{...}. */
static void put_meta_beside(struct buf *json, size_t data)
{
    static const char between[] = ",\"meta\":";
    struct str page = { json->at + data, json->len - data }, meta;

    if (!json_find(page, "meta", &meta)) return;
    char *from = json->at + (meta.at - json->at) - (sizeof between - 1);
    memmove(from + 1, from, json->len - 1 - (size_t)(from - json->at));
    *from = '}';
}

static void succeed_with_json(struct rest *rest, struct str body)
{
    struct buf json = BUF(REPLY_BYTES_MAX);
    bool bare = rest->row->answer == ANSWER_BARE;
    struct rest_headers headers;
    struct str etag = STR_NONE;

    if (!bare) buf_add_str(&json, STR("{\"success\":true,\"data\":"));
    size_t data = json.len;
    enum err e = print_reply(rest, body, &json);
    if (e == OK && !bare && wire_is_page(methods[rest->row->method].rep())) put_meta_beside(&json, data);
    if (!bare) buf_add_char(&json, '}');
    if (e == OK) e = rest_read_etag(rest, body, &etag);
    if (e != OK || json.over) {
        rest_fail(rest, ERR_INTERNAL);
    } else {
        rest_headers(rest, status_of(rest, body), &headers);
        rest_put_etag(&headers, etag);
        rest_finish(rest, status_of(rest, body), "ok", "application/json", buf_str(&json), &headers);
    }
    buf_free(&json);
}

/* The field `url` of the reply, which tests/contract asks for. */
static void succeed_with_redirect(struct rest *rest, struct str body)
{
    const struct wire_shape *shape = methods[rest->row->method].rep();
    char *record = arena_zero(http_arena(rest->http), shape->size);
    struct wire_error why;

    if (wire_decode(shape, body, http_arena(rest->http), record, &why) != OK ||
        rest_set_cookies(rest, shape, record) != OK) {
        rest_fail(rest, ERR_INTERNAL);
        return;
    }
    const struct str *url = (const struct str *)(const void *)(record + wire_find(shape, STR("url"))->at);
    rest_answer(rest, rest->row->status, "ok", STR_NONE, &(struct http_header_out){ "Location", *url });
}

/* Opened by itself it runs nothing, loads nothing and is of no origin. */
static void succeed_with_drawing(struct rest *rest, struct str body)
{
    struct drawing drawing;
    struct rest_headers headers;
    struct wire_error why;

    if (wire_decode(drawing_shape(), body, http_arena(rest->http), &drawing, &why) != OK) {
        rest_fail(rest, ERR_INTERNAL);
        return;
    }
    rest_headers(rest, rest->row->status, &headers);
    rest_headers_add(&headers, "Content-Security-Policy", STR("default-src 'none'; sandbox; frame-ancestors 'none'"));
    rest_finish(rest, rest->row->status, "ok", "image/svg+xml", drawing.svg, &headers);
}

static void answer_success(struct rest *rest, struct str body)
{
    switch (rest->row->answer) {
    case ANSWER_ENVELOPE:
    case ANSWER_BARE: succeed_with_json(rest, body); return;
    case ANSWER_EMPTY: rest_answer(rest, rest->row->status, "ok", STR_NONE, NULL); return;
    case ANSWER_REDIRECT: succeed_with_redirect(rest, body); return;
    case ANSWER_STREAM: rest_download_begin(rest, body); return;
    case ANSWER_LINES: rest_lines_begin(rest, body); return;
    case ANSWER_DRAWING: succeed_with_drawing(rest, body); return;
    case ANSWER_WRITTEN: rest_answer_written(rest, body); return;
    case ANSWER_PAGE: rest_answer_page(rest, body); return;
    case ANSWER_THEN: rest_follow(rest, body); return;
    case ANSWER_TUS: rest_tus_answer(rest, body); return;
    }
}

/* What the service says of a credential counts, whatever its row says of it. */
static int64_t count_verdict(struct rest *rest, enum err status)
{
    struct guess *guess = rest->guess;

    rest->guess = NULL;
    if (guess != NULL) return guess_end(guess, status);
    if (rest->http == NULL || !refusal_is_of_credential(status)) return 0;
    return rates_take(rest->routes->rates, RATE_auth, http_address(rest->http), clock_mono_us());
}

void rest_take_reply(void *arg, enum err status, struct str body)
{
    struct rest *rest = arg;

    rest_end_wait(rest);
    int64_t retry_ms = count_verdict(rest, status);
    if (status == OK) rest_session_count(rest);
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
