/* rest_answer.c - what a request is answered, and what the log says of it. */
// SPDX-License-Identifier: Apache-2.0
#include <assert.h>
#include <stdio.h>
#include <inttypes.h>
#include <string.h>
#include <strings.h>

#include "libshared/base/clock.h"
#include "libshared/base/log.h"
#include "libshared/base/secret.h"
#include "services/gateway/routes/rest_private.h"

/* Does `path` begin with this text, some of its characters written as %XX perhaps? */
static bool is_spelled(struct str path, const char *text)
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
static struct str loggable_path(struct str path)
{
    for (size_t i = 0; i < path.len; i++)
        if (is_spelled(str_skip(path, i), "mdk_") || is_spelled(str_skip(path, i), "eyJ"))
            return (struct str){ path.at, i };
    return path;
}

void rest_log(const struct rest *rest, int status, const char *code)
{
    static struct log_bound strangers; /* they ask as often as they like */
    int64_t left_out = 0;

    if (rest->rights.bearer == NULL && status >= 400 && !log_may_write(&strangers, &left_out)) return;
    LOG(INFO, "gateway.http", F_STR("method", http_method(rest->http)),
        F_STR("path", loggable_path(http_path(rest->http))), F_INT("status", status), F_TEXT("code", code),
        F_STR("address", http_address(rest->http)),
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

void rest_end(struct rest *rest)
{
    assert(rest->upload == NULL && rest->download == NULL);
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

/* A refusal is of this moment. */
static struct str caching(const struct rest *rest, int status)
{
    return status < 400 && rest->row != NULL ? str_of(rest->row->cache_control) : STR("no-store");
}

void rest_headers(const struct rest *rest, int status, struct rest_headers *out)
{
    out->at[0] = (struct http_header_out){ "X-Request-Id", str_of(rest->trace) };
    out->at[1] = (struct http_header_out){ "Cache-Control", caching(rest, status) };
    out->n = 2 + put_rate(rest, out->policy, out->left, out->at + 2);
}

void rest_answer(struct rest *rest, int status, const char *code, struct str json, const struct http_header_out *more)
{
    struct rest_headers headers;

    rest_headers(rest, status, &headers);
    if (more != NULL) headers.at[headers.n++] = *more;
    rest_log(rest, status, code);
    rest_upload_leave(rest);
    rest_download_leave(rest);
    http_set_user(rest->http, NULL);
    http_reply(rest->http, status, json.at != NULL ? "application/json" : NULL, json, headers.at, headers.n);
    rest_end(rest);
}

void rest_fail_with(struct rest *rest, enum err e, const struct failure *failure, const struct http_header_out *more)
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
