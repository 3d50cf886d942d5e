/* rest_answer.c - what a request is answered, and what the log says of it. */
// SPDX-License-Identifier: Apache-2.0
#include <assert.h>
#include <stdio.h>
#include <inttypes.h>
#include <string.h>

#include "libshared/base/base64.h"
#include "libshared/base/clock.h"
#include "libshared/base/log.h"
#include "libshared/base/loggable_path.h"
#include "libshared/base/secret.h"
#include "services/gateway/routes/measures.h"
#include "services/gateway/routes/rest_private.h"

void rest_log(const struct rest *rest, int status, const char *code, int64_t bytes)
{
    static struct log_bound strangers; /* they ask as often as they like */
    int64_t left_out = 0, us = clock_mono_us() - rest->began_us;

    measure_route(rest->row, status, code, us);
    if (rest->rights.bearer == NULL && status >= 400 && !log_may_write(&strangers, &left_out)) return;
    LOG(INFO, "gateway.http", F_STR("method", http_method(rest->http)),
        F_STR("path", loggable_path(http_path(rest->http))), F_INT("status", status), F_TEXT("code", code),
        F_STR("address", http_address(rest->http)),
        F_STR("subject", rest->rights.bearer != NULL ? bearer_subject(rest->rights.bearer) : STR_NONE),
        F_TEXT("trace", rest->trace), F_INT("bytes", bytes), F_INT("us", us), F_SOME("left_out", left_out));
}

static void forget_body(struct rest *rest)
{
    if (rest->body == NULL) return;
    secret_wipe(rest->body, rest->body_len);
    mem_free(rest->body);
    rest->body = NULL;
}

void rest_end(struct rest *rest)
{
    assert(rest->upload == NULL && rest->download == NULL && rest->lines == NULL && rest->intake == NULL);
    rights_drop(&rest->rights);
    forget_body(rest);
    mem_free(rest);
}

/* `pk`: whose quota it is, "subject:ada", as a byte sequence of RFC 9651. */
static void put_partition(const struct rate_state *rate, char *to)
{
    char key[RATES_WHO_MAX + 16];
    int n = snprintf(key, sizeof key, "%s:%.*s", rate_by_name(rate->by), (int)rate->who_len, rate->who);

    if (rate->who_len == 0) return;
    size_t at = (size_t)snprintf(to, sizeof ";pk=:", ";pk=:");
    struct str whole = { key, (size_t)n };
    base64_encode(to + at, whole);
    snprintf(to + at + base64_length(whole.len), 2, ":");
}

/* As draft-ietf-httpapi-ratelimit-headers has them: the rate of which the smallest part is left. */
static void put_rate(const struct rest *rest, struct rest_headers *out)
{
    const struct rate_state *rate = &rest->rate;
    int64_t wait_s = rate->retry_after_ms > 0 ? (rate->retry_after_ms + 999) / 1000 : rate->window_s;
    char partition[RATE_HEADER_BYTES - 96] = "";

    if (rate->name == NULL) return;
    put_partition(rate, partition);
    snprintf(out->policy, sizeof out->policy, "\"%s\";q=%" PRId64 ";w=%" PRId64 "%s", rate->name, rate->limit,
        rate->window_s, partition);
    snprintf(
        out->left, sizeof out->left, "\"%s\";r=%" PRId64 ";t=%" PRId64 "%s", rate->name, rate->left, wait_s, partition);
    out->at[out->n++] = (struct http_header_out){ "RateLimit-Policy", str_of(out->policy) };
    out->at[out->n++] = (struct http_header_out){ "RateLimit", str_of(out->left) };
}

/* A refusal is of this moment. */
static struct str caching(const struct rest *rest, int status)
{
    return status < 400 && rest->row != NULL ? str_of(rest->row->cache_control) : STR("no-store");
}

void rest_headers_add(struct rest_headers *headers, const char *name, struct str value)
{
    assert(headers->n < COUNT(headers->at));
    headers->at[headers->n++] = (struct http_header_out){ name, value };
}

void rest_headers(const struct rest *rest, int status, struct rest_headers *out)
{
    out->at[0] = (struct http_header_out){ "X-Request-Id", str_of(rest->trace) };
    out->at[1] = (struct http_header_out){ "Cache-Control", caching(rest, status) };
    out->n = 2;
    if (!rest->indexed) rest_headers_add(out, "X-Robots-Tag", STR("noindex"));
    /* What anybody may keep is the same for everybody. */
    if (!str_starts(out->at[1].value, STR("public"))) rest_headers_add(out, "Vary", STR("Accept, Authorization"));
    put_rate(rest, out);
    for (size_t i = 0; i < rest->n_cookies && status < 400; i++) out->at[out->n++] = rest->cookies[i];
    rest_put_visit(rest, out);
    rest_tus_headers(rest, out);
}

void rest_finish(struct rest *rest, int status, const char *code, const char *type, struct str body,
    const struct rest_headers *headers)
{
    rest_log(rest, status, code, (int64_t)body.len);
    rest_upload_leave(rest);
    rest_download_leave(rest);
    rest_lines_leave(rest);
    rest_intake_leave(rest);
    http_set_user(rest->http, NULL);
    http_reply(rest->http, status, type, body, headers->at, headers->n);
    rest_end(rest);
}

void rest_answer(struct rest *rest, int status, const char *code, struct str json, const struct http_header_out *more)
{
    struct rest_headers headers;

    rest_headers(rest, status, &headers);
    if (more != NULL) rest_headers_add(&headers, more->name, more->value);
    rest_finish(rest, status, code, json.at != NULL ? "application/json" : NULL, json, &headers);
}

void rest_fail_with(struct rest *rest, enum err e, const struct failure *failure, const struct http_header_out *more)
{
    struct buf json = BUF(REFUSAL_BYTES_MAX * 2);
    char seconds[24];
    struct http_header_out retry = { "Retry-After", STR_NONE }, bearer = { "WWW-Authenticate", STR("Bearer") };
    struct http_header_out unpacked = { "Accept-Encoding", STR("identity") };

    if (more == NULL && err_status(e) == 401) more = &bearer;
    if (more == NULL && e == ERR_UNSUPPORTED_MEDIA && rest_body_is_packed(rest)) more = &unpacked;
    if (more == NULL && failure->retry_after_ms > 0) {
        snprintf(seconds, sizeof seconds, "%lld", (long long)(failure->retry_after_ms + 999) / 1000);
        retry.value = str_of(seconds);
        more = &retry;
    }
    if (rest_is_read_by_person(rest)) {
        rest_refuse_page(rest, e, failure, more);
        return;
    }
    refusal_envelope(failure, &json);
    rest_answer(rest, err_status(e), err_code(e), buf_str(&json), more);
    buf_free(&json);
}

void rest_fail(struct rest *rest, enum err e)
{
    struct failure failure = refusal_plain(e);

    rest_fail_with(rest, e, &failure, NULL);
}

void rest_refuse(struct rest *rest, enum err e, const struct wire_error *why)
{
    struct failure failure = e == ERR_RATE_LIMITED ? refusal_over(&rest->rate) : refusal_of(e, why);

    rest_fail_with(rest, e, &failure, NULL);
}
