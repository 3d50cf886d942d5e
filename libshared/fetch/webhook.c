/* webhook.c - what is signed and posted: see webhook.h. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/fetch/webhook.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "libshared/base/base64.h"
#include "libshared/base/clock.h"
#include "libshared/base/secret.h"

#define PREFIX       "whsec_"
#define ENCODED_MAX  400 /* characters of base64 that are looked at */
#define MADE_BYTES   32
#define ANSWER_MAX   65536
#define RETRY_MOST_S 86400

bool webhook_secret_read(struct str text, struct webhook_secret *out)
{
    unsigned char bytes[ENCODED_MAX];
    struct str encoded = str_skip(text, sizeof PREFIX - 1);
    size_t len = 0;

    if (!str_starts(text, STR(PREFIX)) || encoded.len > ENCODED_MAX || !base64_decode(encoded, bytes, &len))
        return false;
    bool fits = len >= WEBHOOK_SECRET_LEAST && len <= WEBHOOK_SECRET_MOST;
    if (fits) {
        memcpy(out->bytes, bytes, len);
        out->len = len;
    }
    secret_wipe(bytes, sizeof bytes);
    return fits;
}

void webhook_secret_make(char out[WEBHOOK_SECRET_TEXT_MAX])
{
    unsigned char bytes[MADE_BYTES];

    secret_random(bytes, sizeof bytes);
    memcpy(out, PREFIX, sizeof PREFIX - 1);
    base64_encode(out + sizeof PREFIX - 1, (struct str){ (const char *)bytes, sizeof bytes });
    out[sizeof PREFIX - 1 + base64_length(sizeof bytes)] = '\0';
    secret_wipe(bytes, sizeof bytes);
}

static void put_time(struct buf *out, int64_t ms)
{
    time_t s = ms / 1000;
    struct tm tm;
    char text[32];

    strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", gmtime_r(&s, &tm));
    buf_printf(out, "%s.%03dZ", text, (int)(ms % 1000));
}

void webhook_write_body(struct str type, int64_t at, struct str data, struct buf *out)
{
    buf_printf(out, "{\"type\":\"%.*s\",\"timestamp\":\"", STR_ARG(type));
    put_time(out, at);
    buf_add_str(out, STR("\",\"data\":"));
    buf_add_str(out, data);
    buf_add_char(out, '}');
}

static void put_signature(const struct webhook_secret *secret, struct str text, char *to)
{
    unsigned char mac[EVP_MAX_MD_SIZE];
    unsigned len = 0;

    if (HMAC(EVP_sha256(), secret->bytes, (int)secret->len, (const unsigned char *)text.at, text.len, mac, &len) ==
        NULL)
        abort();
    base64_encode(to, (struct str){ (const char *)mac, len });
    to[base64_length(len)] = '\0';
}

void webhook_sign(const struct webhook_secret *secrets, size_t n, struct str id, int64_t seconds, struct str body,
    char out[WEBHOOK_SIGNATURES_CHARS])
{
    struct buf text = BUF(id.len + body.len + 40);
    size_t at = 0;

    out[0] = '\0';
    buf_printf(&text, "%.*s.%lld.", STR_ARG(id), (long long)seconds);
    buf_add_str(&text, body);
    for (size_t i = 0; i < n && i < WEBHOOK_SECRETS_MAX; i++) {
        at += (size_t)snprintf(out + at, WEBHOOK_SIGNATURES_CHARS - at, "%sv1,", i > 0 ? " " : "");
        put_signature(&secrets[i], buf_str(&text), out + at);
        at += strlen(out + at);
    }
    buf_free(&text);
}

void webhook_request(struct fetcher *fetcher, struct str url, const struct webhook_secret *secrets, size_t n,
    struct str id, struct str body, fetch_done_fn *done, void *arg)
{
    char seconds[24], signatures[WEBHOOK_SIGNATURES_CHARS];
    int64_t now = clock_ms() / 1000;

    snprintf(seconds, sizeof seconds, "%lld", (long long)now);
    webhook_sign(secrets, n, id, now, body, signatures);
    const struct fetch_header headers[] = {
        { "Content-Type", STR("application/json") },
        { "webhook-id", id },
        { "webhook-timestamp", str_of(seconds) },
        { "webhook-signature", str_of(signatures) },
    };
    fetch_start(fetcher,
        &(struct fetch_request){ .method = "POST",
            .url = url,
            .headers = headers,
            .n_headers = COUNT(headers),
            .body = body,
            .answer_max = ANSWER_MAX,
            .timeout_ms = WEBHOOK_TIMEOUT_MS },
        done, arg);
}

bool webhook_was_taken(const struct fetch_answer *answer)
{
    return answer->result == FETCH_ANSWERED && answer->status >= 200 && answer->status < 300;
}

bool webhook_is_gone(const struct fetch_answer *answer)
{
    return answer->result == FETCH_ANSWERED && answer->status == 410;
}

/* Seconds alone: a date is as good as none. */
int64_t webhook_retry_after_ms(const struct fetch_answer *answer)
{
    int64_t seconds;

    if (answer->result != FETCH_ANSWERED || !str_to_int(answer->retry_after, &seconds) || seconds < 0) return 0;
    return (seconds < RETRY_MOST_S ? seconds : RETRY_MOST_S) * 1000;
}
