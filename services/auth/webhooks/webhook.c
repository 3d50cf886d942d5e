/* webhook.c - its settings, and a message that goes out by the one door. */
// SPDX-License-Identifier: Apache-2.0
#include "services/auth/webhooks/webhooks.h"

#include <stdio.h>

#include "libshared/fetch/webhook_receiver.h"
#include "libshared/service/settings_rows.h"

#define VARIABLE_MAX 80

static struct webhook_receiver *create_receiver(const char *name, const char *url, const char *secret)
{
    char variable[VARIABLE_MAX];

    setting_variable(&(struct setting_row){ .group = "auth", .name = name }, variable, sizeof variable);
    return webhook_receiver_create(variable, url, secret);
}

void webhooks_create(const struct settings_auth *s, struct webhook_receiver *out[WEBHOOKS])
{
#define WEBHOOK(name)                                                                                                  \
    out[WEBHOOK_##name] = create_receiver(#name "_webhook", s->name##_webhook, s->name##_webhook_secret);
#include "services/auth/webhooks/webhooks.def"
#undef WEBHOOK
}

void webhooks_destroy(struct webhook_receiver *webhooks[WEBHOOKS])
{
    for (size_t i = 0; i < WEBHOOKS; i++) webhook_receiver_destroy(&webhooks[i]);
}

/* --- one message --- */

struct posting {
    webhook_done_fn *done;
    void *arg;
};

/* 410: it wants no more of it.  Whatever else is no success may be one later. */
static enum err judge_response(const struct fetch_answer *answer, char *why, size_t size)
{
    if (answer->result != FETCH_ANSWERED) {
        snprintf(why, size, "the webhook: %s", fetch_result_code(answer->result));
        return ERR_UNAVAILABLE;
    }
    if (webhook_was_taken(answer)) return OK;
    snprintf(why, size, "the webhook answered %d", answer->status);
    return webhook_is_gone(answer) ? ERR_GONE : ERR_UNAVAILABLE;
}

static void on_answer(void *arg, const struct fetch_answer *answer)
{
    struct posting *posting = arg;
    char why[120] = "";
    enum err e = judge_response(answer, why, sizeof why);

    posting->done(posting->arg, e, why, webhook_retry_after_ms(answer));
    mem_free(posting);
}

void webhook_post(const struct webhook_receiver *webhook, struct fetcher *fetcher, struct str id, struct str body,
    webhook_done_fn *done, void *arg)
{
    struct posting *posting = mem_zero(sizeof *posting);

    *posting = (struct posting){ done, arg };
    webhook_request(fetcher, str_of(webhook->url), webhook->secrets, webhook->n, id, body, on_answer, posting);
}
