/*
 * refusal.h - how a client is told no, on every surface the same:
 *
 *      {"code","message"[,"field"][,"retry_after_ms"][,"nearest"][,"rate","limit"][,"quota","limit","used"][,"line"]}
 */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/wire/records.h"
#include "services/gateway/rates/rates.h"
#include "services/gateway/socketio/sio.h"

#define REFUSAL_BYTES_MAX 8192

/* Out of a wire_error, whose text may be empty: then the code's own sentence. */
struct failure refusal_of(enum err e, const struct wire_error *why);
struct failure refusal_plain(enum err e);
struct failure refusal_later(enum err e, int64_t retry_after_ms);
struct failure refusal_over(const struct rate_state *state);
/* The same of one rate, if it is rate_limited. */
struct failure refusal_of_rate(enum err e, const struct rates *rates, enum rate rate, int64_t retry_after_ms);
/* In /metrics, by its code. */
void refusal_count(enum err e);
bool refusal_is_of_credential(enum err e); /* the credential is none, or none any more, or not from there */
void refusal_json(const struct failure *failure, struct buf *out);
/* As REST answers: {"success":false,"error":{"code","message","details":{["field"][,"retry_after_ms"]}}}. */
void refusal_envelope(const struct failure *failure, struct buf *out);
/* The answer to an event: in its acknowledgement if one is wanted, else on the session's /error namespace. */
void refusal_send(struct sio_socket *socket, int64_t ack, const struct failure *failure);
/* Say why, on the socket itself and on /error, and end the socket. */
void refusal_disconnect(struct sio_socket *socket, enum err e);
