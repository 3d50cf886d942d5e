/* refusal.c - how a client is told no. */
// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/session/refusal.h"

#include <assert.h>

struct failure refusal_of(enum err e, const struct wire_error *why)
{
    return (struct failure){ .code = str_of(err_code(e)), .message = str_of(why->text[0] ? why->text : err_text(e)),
        .field = why->field[0] ? str_of(why->field) : STR_NONE, .retry_after_ms = why->retry_after_ms };
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

void refusal_json(const struct failure *failure, struct buf *out)
{
    struct buf bytes = BUF(REFUSAL_BYTES_MAX), json = BUF(REFUSAL_BYTES_MAX);
    enum err e = wire_encode(failure_shape(), failure, &bytes);

    if (e == OK)
        e = wire_to_json(failure_shape(), buf_str(&bytes), &json);
    assert(e == OK);
    buf_add_str(out, buf_str(&json));
    buf_free(&bytes);
    buf_free(&json);
}

static void on_error_namespace(struct sio_socket *socket, struct str json)
{
    struct sio_socket *errors = sio_sibling(socket, "/error");

    if (errors != NULL)
        sio_emit(errors, "error", json);
}

void refusal_send(struct sio_socket *socket, int64_t ack, const struct failure *failure)
{
    struct buf json = BUF(REFUSAL_BYTES_MAX);

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

    refusal_json(&failure, &json);
    if (!str_is(sio_nsp(socket), "/error"))
        on_error_namespace(socket, buf_str(&json));
    sio_emit(socket, "error", buf_str(&json));
    buf_free(&json);
    sio_disconnect(socket);
}
