/*
 * webhooks.h - messages to the operator's own servers, the rows of webhooks.def, signed as Standard Webhooks are.
 *
 *      webhook-id         the same with each attempt
 *      webhook-timestamp  seconds
 *      webhook-signature  v1,<base64 of HMAC-SHA256 over "id.timestamp.body">, one for each of the secrets
 */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/jobs/job_rows.h"
#include "libshared/rpc/rpc_rows.h"
#include "libshared/service/settings.h"

enum webhook_name {
#define WEBHOOK(name) WEBHOOK_##name,
#include "services/auth/webhooks/webhooks.def"
#undef WEBHOOK
    WEBHOOKS
};

struct webhook_receiver;

/* One of each row; NULL: nothing is posted there.  Exits if the settings make no sense. */
void webhooks_create(const struct settings_auth *s, struct webhook_receiver *out[WEBHOOKS]);
void webhooks_destroy(struct webhook_receiver *webhooks[WEBHOOKS]);

/* OK: it was taken; an error that passes with time: is to be sent again, under the same id, not before retry_after_ms. */
typedef void webhook_done_fn(void *arg, enum err e, const char *why, int64_t retry_after_ms);
void webhook_post(const struct webhook_receiver *webhook, struct fetcher *fetcher, struct str id, struct str body,
    webhook_done_fn *done, void *arg);

struct webhook_message {
    struct str type; /* none: there is nothing to tell */
    int64_t at;
    const struct wire_shape *shape; /* of `record`, which is its data */
    const void *record;
};
/* On a worker: what a job tells, from its payload. */
typedef enum err webhook_read_fn(
    struct pg *pg, struct arena *arena, const struct job *job, const void *payload, struct webhook_message *out);

/* webhook_tell.c: all that a LATER job does that tells one message. */
void webhook_tell(struct call *call, const struct job *job, struct job_run *run, enum webhook_name to,
    webhook_read_fn *read, const void *payload);
