/* rest_condition.c - what a reply has as `etag` is a header, and a request may be for one of them alone (RFC 9110). */
// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/routes/query.h"
#include "services/gateway/routes/rest_private.h"

void rest_give_condition(struct rest *rest, const struct wire_shape *shape, struct wire_given_list *given)
{
    struct str value = http_header(rest->http, "if-match");

    if (value.at != NULL && wire_find(shape, STR("if_match")) != NULL) given_put(given, "if_match", value);
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
