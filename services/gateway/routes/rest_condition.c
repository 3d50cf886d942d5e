/* rest_condition.c - fields that are headers: a request's, by name; and what a reply has as `etag` (RFC 9110). */
// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/routes/query.h"
#include "services/gateway/routes/rest_private.h"

void rest_give_headers(struct rest *rest, const struct wire_shape *shape, struct wire_given_list *given)
{
    static const struct {
        const char *header, *field;
        bool is_secret; /* it comes by no other way: what is in a URL is kept by whoever sees it */
    } rows[] = {
        { "if-match", "if_match", false },
        { "idempotency-key", "idempotency_key", false },
        { "x-share-visit", "share_visit", false },
        { "x-share-password", "share_password", true },
    };

    for (size_t i = 0; i < COUNT(rows); i++) {
        if (rows[i].is_secret) given_forget(given, rows[i].field);
        struct str value = http_header(rest->http, rows[i].header);
        if (value.at != NULL && wire_find(shape, str_of(rows[i].field)) != NULL) given_put(given, rows[i].field, value);
    }
    /* What asks by GET may only look like it. */
    if (wire_find(shape, STR("head")) != NULL)
        given_put(given, "head", str_is(http_method(rest->http), "HEAD") ? STR("true") : STR("false"));
}

enum err rest_read_etag(struct rest *rest, struct str body, struct str *out)
{
    const struct wire_shape *shape = methods[rest->row->method].rep();
    const struct wire_field *field = wire_find(shape, STR("etag"));
    struct wire_error why;

    *out = STR_NONE;
    if (field == NULL) return OK;
    char *record = arena_zero(http_arena(rest->http), shape->size);
    TRY(wire_decode(shape, body, http_arena(rest->http), record, &why));
    *out = *(const struct str *)(const void *)(record + field->at);
    return OK;
}

void rest_put_etag(struct rest_headers *headers, struct str etag)
{
    if (etag.len == 0) return;
    rest_headers_add(headers, "ETag", etag);
    rest_headers_add(headers, "Access-Control-Expose-Headers", STR("ETag"));
}
