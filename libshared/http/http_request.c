/* http_request.c - what a handler may ask of its request, and say about its body. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/http/http_private.h"

struct str http_verb(const struct http *http)
{
    return str_is(http->head.method, "HEAD") ? STR("GET") : http->head.method;
}

struct str http_method(const struct http *http)
{
    return http->head.method;
}
struct str http_range(struct http *http)
{
    return str_is(http->head.method, "GET") ? http_header(http, "range") : STR_NONE;
}

struct str http_path(const struct http *http)
{
    return http->head.path;
}
struct str http_query(const struct http *http)
{
    return http->head.query;
}
int64_t http_content_length(const struct http *http)
{
    if (http->head.chunked) return -1;
    return http->head.content_length > 0 ? http->head.content_length : 0;
}
struct str http_body(const struct http *http)
{
    return buf_str(&http->body);
}
struct str http_address(const struct http *http)
{
    return str_of(http->conn->address);
}
const struct in6_addr *http_limited(const struct http *http)
{
    return http->conn->counted ? &http->conn->client : NULL;
}
bool http_is_tls(const struct http *http)
{
    return http->conn->tls;
}
struct arena *http_arena(struct http *http)
{
    return http->arena;
}
struct holding *http_holding(struct http *http)
{
    return &http->conn->holding;
}
void http_set_user(struct http *http, void *user)
{
    http->user = user;
}
void *http_user(const struct http *http)
{
    return http->user;
}
void http_refuse_bare(struct http *http)
{
    http->bare = true;
}

void http_collect(struct http *http)
{
    http->collects = true;
}

void http_set_body_max(struct http *http, size_t bytes)
{
    http->body_max = bytes;
}

struct str http_header(struct http *http, const char *lower_case_name)
{
    return http_head_field(&http->head, lower_case_name);
}

bool http_sender_is_good(struct http *http)
{
    const struct sender sender = {
        .origin = http_header(http, "origin"),
        .referer = http_header(http, "referer"),
        .site = http_header(http, "sec-fetch-site"),
        .mode = http_header(http, "sec-fetch-mode"),
        .dest = http_header(http, "sec-fetch-dest"),
        .reads = str_is(http_verb(http), "GET"),
    };

    return sender_is_good(http->conn->server->origins, &sender);
}
