/* refusal.c - how a client is told no. */
// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/identity/refusal.h"

#include <inttypes.h>
#include <stdio.h>

#include "libshared/base/metrics.h"
#include "libshared/wire/json_text.h"

struct failure refusal_of(enum err e, const struct wire_error *why)
{
    return (struct failure){ .code = str_of(err_code(e)),
        .message = str_of(why->text[0] ? why->text : err_text(e)),
        .field = why->field[0] ? str_of(why->field) : STR_NONE,
        .line = why->line,
        .retry_after_ms = why->retry_after_ms };
}

struct failure refusal_plain(enum err e)
{
    return (struct failure){ .code = str_of(err_code(e)), .message = str_of(err_text(e)) };
}

struct failure refusal_later(enum err e, int64_t retry_after_ms)
{
    struct failure failure = refusal_plain(e);

    failure.retry_after_ms = retry_after_ms;
    return failure;
}

struct failure refusal_over(const struct rate_state *state)
{
    struct failure failure = refusal_later(ERR_RATE_LIMITED, state->retry_after_ms);

    failure.rate = str_of(state->name);
    failure.limit = state->limit;
    return failure;
}

struct failure refusal_of_rate(enum err e, const struct rates *rates, enum rate rate, int64_t retry_after_ms)
{
    struct rate_state state = rates_limit(rates, rate);

    if (e != ERR_RATE_LIMITED) return refusal_later(e, retry_after_ms);
    state.retry_after_ms = retry_after_ms;
    return refusal_over(&state);
}

bool refusal_is_of_credential(enum err e)
{
    /* clang-format off */
    static const bool of_credential[ERR_COUNT] = {
#define ERROR(name, code, status, text)
#define REFUSED(name, code, status, text) [ERR_##name] = true,
#include "proto/errors.def"
#undef ERROR
    };
    /* clang-format on */

    return of_credential[e];
}

void refusal_count(enum err e)
{
    static struct metric *refusals[ERR_COUNT];
    char label[80];

    if (refusals[e] == NULL) {
        snprintf(label, sizeof label, "code=\"%s\"", err_code(e));
        refusals[e] = metric_counter(
            "madang_refusals_total", label, "What clients were refused, by the code that they were told");
    }
    metric_add(refusals[e], 1);
}

static void put_code(const struct failure *failure, struct buf *out)
{
    buf_add_str(out, STR("\"code\":"));
    json_put_text(out, failure->code);
    buf_add_str(out, STR(",\"message\":"));
    json_put_text(out, failure->message);
}

static void put_text(const char **before, const char *name, struct str text, struct buf *out)
{
    if (text.len == 0) return;
    buf_printf(out, "%s\"%s\":", *before, name);
    json_put_text(out, text);
    *before = ",";
}

static void put_number(const char **before, const char *name, int64_t n, struct buf *out)
{
    buf_printf(out, "%s\"%s\":%" PRId64, *before, name, n);
    *before = ",";
}

/* Not through the shape: a retry_after_ms of 0 is no news. */
static void put_details(const struct failure *failure, const char *before, struct buf *out)
{
    put_text(&before, "rate", failure->rate, out);
    put_text(&before, "quota", failure->quota, out);
    if (failure->rate.len + failure->quota.len > 0) put_number(&before, "limit", failure->limit, out);
    if (failure->quota.len > 0) put_number(&before, "used", failure->used, out);
    put_text(&before, "field", failure->field, out);
    if (failure->retry_after_ms > 0) put_number(&before, "retry_after_ms", failure->retry_after_ms, out);
    put_text(&before, "nearest", failure->nearest, out);
    if (failure->line > 0) put_number(&before, "line", failure->line, out);
}

void refusal_json(const struct failure *failure, struct buf *out)
{
    buf_add_char(out, '{');
    put_code(failure, out);
    put_details(failure, ",", out);
    buf_add_char(out, '}');
}

void refusal_envelope(const struct failure *failure, struct buf *out)
{
    buf_add_str(out, STR("{\"success\":false,\"error\":{"));
    put_code(failure, out);
    buf_add_str(out, STR(",\"details\":{"));
    put_details(failure, "", out);
    buf_add_str(out, STR("}}}"));
}

static void on_error_namespace(struct sio_socket *socket, struct str json)
{
    struct sio_socket *errors = sio_sibling(socket, "/error");

    if (errors != NULL) sio_emit(errors, "error", json);
}

void refusal_send(struct sio_socket *socket, int64_t ack, const struct failure *failure)
{
    struct buf json = BUF(REFUSAL_BYTES_MAX);

    refusal_count(err_find(failure->code.at, failure->code.len));
    if (ack >= 0) {
        buf_add_str(&json, STR("[{\"error\":"));
        refusal_json(failure, &json);
        buf_add_str(&json, STR("}]"));
        sio_ack(socket, ack, buf_str(&json), NULL, 0);
    } else {
        refusal_json(failure, &json);
        on_error_namespace(socket, buf_str(&json));
    }
    buf_free(&json);
}

void refusal_disconnect(struct sio_socket *socket, enum err e)
{
    struct failure failure = refusal_plain(e);
    struct buf json = BUF(REFUSAL_BYTES_MAX);

    refusal_count(e);
    refusal_json(&failure, &json);
    if (!str_is(sio_nsp(socket), "/error")) on_error_namespace(socket, buf_str(&json));
    sio_emit(socket, "error", buf_str(&json));
    buf_free(&json);
    sio_disconnect(socket);
}
