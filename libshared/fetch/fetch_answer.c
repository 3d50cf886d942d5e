/* fetch_answer.c - what comes back, and when it is enough. */
// SPDX-License-Identifier: Apache-2.0
#include <string.h>
#include <strings.h>

#include "libshared/fetch/fetch_private.h"

#define HEADER_BYTES_MAX 65536

/* A value that is too long is none: what is cut would mean something else. */
static void keep_value(char *to, size_t size, struct str value)
{
    size_t n = value.len < size ? value.len : 0;

    if (n > 0) memcpy(to, value.at, n);
    to[n] = '\0';
}

static void keep_header(struct fetch *fetch, struct str name, struct str value)
{
    const struct {
        const char *name;
        char *to;
        size_t size;
    } kept[] = {
        { "content-type", fetch->content_type, sizeof fetch->content_type },
        { "location", fetch->location, sizeof fetch->location },
        { "retry-after", fetch->retry_after, sizeof fetch->retry_after },
        { "etag", fetch->etag, sizeof fetch->etag },
    };

    for (size_t i = 0; i < sizeof kept / sizeof *kept; i++)
        if (strlen(kept[i].name) == name.len && strncasecmp(kept[i].name, name.at, name.len) == 0)
            keep_value(kept[i].to, kept[i].size, value);
}

static void forget_headers(struct fetch *fetch)
{
    fetch->content_type[0] = fetch->location[0] = fetch->retry_after[0] = fetch->etag[0] = '\0';
}

size_t fetch_take_header(char *at, size_t size, size_t n, void *arg)
{
    struct fetch *fetch = arg;
    struct str line = { at, size * n };
    size_t colon;

    fetch->header_bytes += line.len;
    if (fetch->header_bytes > HEADER_BYTES_MAX) {
        fetch->result = FETCH_TOO_LARGE;
        return 0;
    }
    if (str_starts(line, STR("HTTP/")))
        forget_headers(fetch); /* an informational answer was before it */
    else if (str_find(line, ':', &colon))
        keep_header(fetch, (struct str){ line.at, colon }, str_trim(str_skip(line, colon + 1)));
    return line.len;
}

/* "text/html; charset=utf-8" is text/html. */
static bool is_wanted(const struct fetch *fetch)
{
    struct str parameters = str_of(fetch->content_type), type = str_trim(str_cut(&parameters, ';'));

    if (fetch->types == NULL) return true;
    for (const char *const *want = fetch->types; *want != NULL; want++)
        if (strlen(*want) == type.len && strncasecmp(*want, type.at, type.len) == 0) return true;
    return false;
}

size_t fetch_take_body(char *at, size_t size, size_t n, void *arg)
{
    struct fetch *fetch = arg;
    size_t len = size * n;

    if (fetch->body.len == 0 && !is_wanted(fetch)) {
        fetch->result = FETCH_TYPE_REFUSED;
        return 0;
    }
    buf_add(&fetch->body, at, len);
    if (!fetch->body.over) return len;
    fetch->result = FETCH_TOO_LARGE;
    return 0;
}

static struct str text_or_none(const char *text)
{
    return text[0] != '\0' ? str_of(text) : STR_NONE;
}

struct fetch_answer fetch_answer_of(const struct fetch *fetch)
{
    struct fetch_answer answer = { .result = fetch->result };
    long status = 0;

    if (fetch->result != FETCH_ANSWERED) return answer;
    curl_easy_getinfo(fetch->easy, CURLINFO_RESPONSE_CODE, &status);
    answer.status = (int)status;
    answer.content_type = text_or_none(fetch->content_type);
    answer.location = text_or_none(fetch->location);
    answer.retry_after = text_or_none(fetch->retry_after);
    answer.etag = text_or_none(fetch->etag);
    answer.body = buf_str(&fetch->body);
    return answer;
}
