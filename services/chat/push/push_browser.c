/* push_browser.c - what a browser is sent, encrypted for it (RFC 8291) and signed (RFC 8292), and what its push service's answer means. */
// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>

#include "libshared/base/secret.h"
#include "services/chat/push/push_private.h"

#define ANSWER_MAX   65536
#define AUTHORIZED_S 43200 /* RFC 8292 allows a day */

enum err push_request_write(struct call *call, const struct push_item *item, struct str text, struct push_request *out)
{
    int64_t kept_ms = chat_settings(call)->push_kept_s * 1000 - (call->now - item->put_at);
    unsigned char salt[WEB_PUSH_SALT_BYTES];
    struct web_push_browser browser;
    struct web_push_pair own, once;

    if (text.len > WEB_PUSH_TEXT_MAX) return ERR_TOO_LARGE;
    TRY(push_keys_open(call, item->subscription, item->keys, &browser));
    TRY(push_pair_get(call, &own));
    web_push_pair_make(&once);
    secret_random(salt, sizeof salt);
    *out = (struct push_request){ .endpoint = item->endpoint,
        .authorization = web_push_authorize(
            call->arena, &own, item->origin, push_of(call)->contact, call->now / 1000 + AUTHORIZED_S),
        .topic = item->topic,
        .body = web_push_encrypt(call->arena, &browser, &once, salt, text),
        .ttl_s = kept_ms > 0 ? kept_ms / 1000 : 0,
        .is_urgent = item->seq > 0 };
    secret_wipe(&own, sizeof own);
    secret_wipe(&once, sizeof once);
    secret_wipe(&browser, sizeof browser);
    return OK;
}

void push_request_post(struct fetcher *fetcher, const struct push_request *request, fetch_done_fn *done, void *arg)
{
    char ttl[24];

    snprintf(ttl, sizeof ttl, "%lld", (long long)request->ttl_s);
    const struct fetch_header headers[] = {
        { "Content-Type", STR("application/octet-stream") },
        { "Content-Encoding", STR("aes128gcm") },
        { "Authorization", request->authorization },
        { "TTL", str_of(ttl) },
        { "Urgency", request->is_urgent ? STR("high") : STR("normal") },
        { "Topic", request->topic },
    };
    fetch_start(fetcher,
        &(struct fetch_request){ .method = "POST",
            .url = request->endpoint,
            .headers = headers,
            .n_headers = COUNT(headers),
            .body = request->body,
            .answer_max = ANSWER_MAX,
            .timeout_ms = WEBHOOK_TIMEOUT_MS },
        done, arg);
}

static enum push_end status_end(int status)
{
    if (status >= 200 && status < 300) return PUSH_posted;
    if (status == 404 || status == 410) return PUSH_ended;
    return status == 408 || status == 429 || status >= 500 ? PUSH_ENDS : PUSH_refused;
}

enum push_end push_answer_end(const struct fetch_answer *answer)
{
    switch (answer->result) {
    case FETCH_ANSWERED: return status_end(answer->status);
    case FETCH_BAD_URL:
    case FETCH_SCHEME_REFUSED:
    case FETCH_PORT_REFUSED:
    case FETCH_ADDRESS_REFUSED: return PUSH_refused;
    case FETCH_NOT_RESOLVED:
    case FETCH_NOT_CONNECTED:
    case FETCH_TLS_FAILED:
    case FETCH_TYPE_REFUSED:
    case FETCH_TOO_LARGE:
    case FETCH_TIMEOUT:
    case FETCH_BROKEN:
    case FETCH_OVERLOADED:
    case FETCH_LOGIN_REFUSED:
    case FETCH_RESULTS:
    default: return PUSH_ENDS;
    }
}
