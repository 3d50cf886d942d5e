/*
 * alert_webhook.h - messages to the operator's own server, signed as Standard Webhooks are.
 *
 *      webhook-id         the same with each attempt
 *      webhook-timestamp  seconds
 *      webhook-signature  v1,<base64 of HMAC-SHA256 over "id.timestamp.body">, one for each of the secrets
 */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "services/auth/alerts/alerts.h"

/* OK: it was taken; an error that passes with time: is to be sent again, under the same id, not before retry_after_ms. */
typedef void alert_webhook_done_fn(void *arg, enum err e, const char *why, int64_t retry_after_ms);
void alert_webhook_post(const struct alert_webhook *webhook, struct fetcher *fetcher, struct str id, struct str body,
    alert_webhook_done_fn *done, void *arg);
