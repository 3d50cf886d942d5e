/* webhook.c - its settings, and a message that goes out by the one door. */
// SPDX-License-Identifier: Apache-2.0
#include "services/auth/webhooks/webhooks.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libshared/base/secret.h"
#include "libshared/base/url.h"
#include "libshared/fetch/webhook.h"
#include "libshared/service/settings_rows.h"
#include "services/auth/secret_file.h"

#define VARIABLE_MAX 80

struct webhook {
    const char *url;
    struct webhook_secret secrets[WEBHOOK_SECRETS_MAX];
    size_t n;
};

static _Noreturn void refuse_settings(const char *variable, const char *what, const char *with)
{
    fprintf(stderr, "madang: %s%s%s\n", variable, what, with);
    exit(2);
}

static void read_secrets(struct webhook *webhook, const char *variable, const char *path)
{
    char line[SECRET_FILE_MAX];

    for (int i = 0; i < WEBHOOK_SECRETS_MAX; i++) {
        if (!secret_file_line(path, i, line) && i > 0) break;
        if (!webhook_secret_read(str_of(line), &webhook->secrets[webhook->n++]))
            refuse_settings(variable,
                "_SECRET: wants a file with whsec_ and the base64 of 24 to 64 bytes in its first"
                " line, and perhaps another in its second",
                "");
    }
    secret_wipe(line, sizeof line);
}

static struct webhook *create_webhook(const char *name, const char *url, const char *secret)
{
    char origin[URL_ORIGIN_MAX], variable[VARIABLE_MAX];

    if (url[0] == '\0') return NULL;
    setting_variable(&(struct setting_row){ .group = "auth", .name = name }, variable, sizeof variable);
    if (!url_origin(str_of(url), origin)) refuse_settings(variable, ": wants https://host/path", "");
    if (secret[0] == '\0') refuse_settings(variable, "_SECRET: is wanted with ", variable);
    struct webhook *webhook = mem_zero(sizeof *webhook);
    webhook->url = url;
    read_secrets(webhook, variable, secret);
    return webhook;
}

void webhooks_create(const struct settings_auth *s, struct webhook *out[WEBHOOKS])
{
#define WEBHOOK(name)                                                                                                  \
    out[WEBHOOK_##name] = create_webhook(#name "_webhook", s->name##_webhook, s->name##_webhook_secret);
#include "services/auth/webhooks/webhooks.def"
#undef WEBHOOK
}

void webhooks_destroy(struct webhook *webhooks[WEBHOOKS])
{
    for (size_t i = 0; i < WEBHOOKS; i++) {
        if (webhooks[i] == NULL) continue;
        secret_wipe(webhooks[i]->secrets, sizeof webhooks[i]->secrets);
        mem_free(webhooks[i]);
        webhooks[i] = NULL;
    }
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

void webhook_post(const struct webhook *webhook, struct fetcher *fetcher, struct str id, struct str body,
    webhook_done_fn *done, void *arg)
{
    struct posting *posting = mem_zero(sizeof *posting);

    *posting = (struct posting){ done, arg };
    webhook_request(fetcher, str_of(webhook->url), webhook->secrets, webhook->n, id, body, on_answer, posting);
}
