/*
 * webhook.h - a message to somebody's server by the one door outwards, signed as Standard Webhooks are.
 *
 *      webhook-id         the same with each attempt
 *      webhook-timestamp  seconds
 *      webhook-signature  v1,<base64 of HMAC-SHA256 over "id.timestamp.body">, one for each of the secrets
 *
 * What is no 2xx was not taken; a redirect neither, and nobody follows it.
 */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/base/buf.h"
#include "libshared/base/err.h"
#include "libshared/fetch/fetch.h"

#define WEBHOOK_SECRETS_MAX      2
#define WEBHOOK_SECRET_LEAST     24 /* bytes, as Standard Webhooks wants them */
#define WEBHOOK_SECRET_MOST      64
#define WEBHOOK_SECRET_TEXT_MAX  100 /* characters and a NUL */
#define WEBHOOK_SIGNATURES_CHARS (WEBHOOK_SECRETS_MAX * 48 + 1)
#define WEBHOOK_TIMEOUT_MS       15000

struct webhook_secret {
    unsigned char bytes[WEBHOOK_SECRET_MOST];
    size_t len;
};

/* "whsec_" and base64.  false: it is none. */
bool webhook_secret_read(struct str text, struct webhook_secret *out) MUST_CHECK;
/* A new one, of 32 random bytes. */
void webhook_secret_make(char out[WEBHOOK_SECRET_TEXT_MAX]);

/* {"type", "timestamp", "data"}: the same text with each attempt.  `data` is JSON; out->over: it was too large. */
void webhook_write_body(struct str type, int64_t at, struct str data, struct buf *out);

/* The header webhook-signature. */
void webhook_sign(const struct webhook_secret *secrets, size_t n, struct str id, int64_t seconds, struct str body,
    char out[WEBHOOK_SIGNATURES_CHARS]);
/* As fetch_start(): `done` comes once, never from within. */
void webhook_request(struct fetcher *fetcher, struct str url, const struct webhook_secret *secrets, size_t n,
    struct str id, struct str body, fetch_done_fn *done, void *arg);

bool webhook_was_taken(const struct fetch_answer *answer);
/* It wants no more of it. */
bool webhook_is_gone(const struct fetch_answer *answer);
/* What it asks for: 0, or milliseconds, of a day at most. */
int64_t webhook_retry_after_ms(const struct fetch_answer *answer);
