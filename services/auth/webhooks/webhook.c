/* webhook.c - its settings, and a message that goes out by the one door. */
// SPDX-License-Identifier: Apache-2.0
#include "services/auth/webhooks/webhooks.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libshared/base/base64.h"
#include "libshared/base/clock.h"
#include "libshared/base/secret.h"
#include "libshared/base/url.h"
#include "libshared/fetch/fetch.h"
#include "libshared/service/settings_rows.h"
#include "services/auth/secret_file.h"

#define SECRETS_MAX      2
#define SECRET_LEAST     24 /* bytes, as Standard Webhooks wants them */
#define SECRET_MOST      64
#define SIGNATURES_CHARS (SECRETS_MAX * 48 + 1)
#define TIMEOUT_MS       15000
#define ANSWER_MAX       65536
#define RETRY_MOST_S     86400
#define VARIABLE_MAX     80

struct webhook {
    const char *url;
    struct {
        unsigned char bytes[SECRET_MOST];
        size_t len;
    } secrets[SECRETS_MAX];
    size_t n;
};

static _Noreturn void refuse_settings(const char *variable, const char *what, const char *with)
{
    fprintf(stderr, "madang: %s%s%s\n", variable, what, with);
    exit(2);
}

static bool read_secret(struct webhook *webhook, struct str line)
{
    unsigned char bytes[SECRET_FILE_MAX];
    struct str text = str_skip(line, 6);
    size_t len = 0;

    if (!str_starts(line, STR("whsec_")) || !base64_decode(text, bytes, &len)) return false;
    bool fits = len >= SECRET_LEAST && len <= SECRET_MOST;
    if (fits) {
        memcpy(webhook->secrets[webhook->n].bytes, bytes, len);
        webhook->secrets[webhook->n++].len = len;
    }
    secret_wipe(bytes, sizeof bytes);
    return fits;
}

static void read_secrets(struct webhook *webhook, const char *variable, const char *path)
{
    char line[SECRET_FILE_MAX];

    for (int i = 0; i < SECRETS_MAX; i++) {
        if (!secret_file_line(path, i, line) && i > 0) break;
        if (!read_secret(webhook, str_of(line)))
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

static void put_signature(const unsigned char *key, size_t len, struct str text, char *to)
{
    unsigned char mac[EVP_MAX_MD_SIZE];
    unsigned mac_len = 0;

    if (HMAC(EVP_sha256(), key, (int)len, (const unsigned char *)text.at, text.len, mac, &mac_len) == NULL) abort();
    base64_encode(to, (struct str){ (const char *)mac, mac_len });
    to[base64_length(mac_len)] = '\0';
}

static void sign_text(const struct webhook *webhook, struct str text, char out[SIGNATURES_CHARS])
{
    size_t at = 0;

    for (size_t i = 0; i < webhook->n; i++) {
        at += (size_t)snprintf(out + at, SIGNATURES_CHARS - at, "%sv1,", i > 0 ? " " : "");
        put_signature(webhook->secrets[i].bytes, webhook->secrets[i].len, text, out + at);
        at += strlen(out + at);
    }
}

/* Seconds alone: a date is as good as none. */
static int64_t retry_after_ms(const struct fetch_answer *answer)
{
    int64_t seconds;

    if (answer->result != FETCH_ANSWERED || !str_to_int(answer->retry_after, &seconds) || seconds < 0) return 0;
    return (seconds < RETRY_MOST_S ? seconds : RETRY_MOST_S) * 1000;
}

/* 410: it wants no more of it.  Whatever else is no success may be one later. */
static enum err judge_response(const struct fetch_answer *answer, char *why, size_t size)
{
    if (answer->result != FETCH_ANSWERED) {
        snprintf(why, size, "the webhook: %s", fetch_result_code(answer->result));
        return ERR_UNAVAILABLE;
    }
    if (answer->status >= 200 && answer->status < 300) return OK;
    snprintf(why, size, "the webhook answered %d", answer->status);
    return answer->status == 410 ? ERR_GONE : ERR_UNAVAILABLE;
}

static void on_answer(void *arg, const struct fetch_answer *answer)
{
    struct posting *posting = arg;
    char why[120] = "";
    enum err e = judge_response(answer, why, sizeof why);

    posting->done(posting->arg, e, why, retry_after_ms(answer));
    mem_free(posting);
}

void webhook_post(const struct webhook *webhook, struct fetcher *fetcher, struct str id, struct str body,
    webhook_done_fn *done, void *arg)
{
    struct posting *posting = mem_zero(sizeof *posting);
    char seconds[24], signatures[SIGNATURES_CHARS];
    struct buf text = BUF(body.len + 200);

    snprintf(seconds, sizeof seconds, "%lld", (long long)(clock_ms() / 1000));
    buf_printf(&text, "%.*s.%s.", STR_ARG(id), seconds);
    buf_add_str(&text, body);
    sign_text(webhook, buf_str(&text), signatures);
    buf_free(&text);
    const struct fetch_header headers[] = {
        { "Content-Type", STR("application/json") },
        { "webhook-id", id },
        { "webhook-timestamp", str_of(seconds) },
        { "webhook-signature", str_of(signatures) },
    };
    *posting = (struct posting){ done, arg };
    fetch_start(fetcher,
        &(struct fetch_request){ .method = "POST",
            .url = str_of(webhook->url),
            .headers = headers,
            .n_headers = COUNT(headers),
            .body = body,
            .answer_max = ANSWER_MAX,
            .timeout_ms = TIMEOUT_MS },
        on_answer, posting);
}
