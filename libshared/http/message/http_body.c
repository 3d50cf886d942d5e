/* http_body.c - a request's body: of a given length, or in chunks (RFC 9112 7.1). */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/http/message/http_body.h"

#include "libshared/base/hex.h"

/* Chunk sizes, extensions and trailers of one body: some for nothing, and as much for each byte of it as a chunk of one byte
 * needs.  A body has a bound, so this has one. */
#define OVERHEAD_FREE     65536
#define OVERHEAD_PER_BYTE 8

void http_body_begin(struct http_body *body, bool chunked, int64_t content_length)
{
    *body = (struct http_body){ .state = chunked ? BODY_SIZE : BODY_LENGTH, .overhead_max = OVERHEAD_FREE };
    if (chunked) return;
    body->left = content_length > 0 ? (uint64_t)content_length : 0;
    if (body->left == 0) body->state = BODY_DONE;
}

bool http_body_is_done(const struct http_body *body)
{
    return body->state == BODY_DONE;
}

static struct str take_data(struct http_body *body, struct str *in)
{
    size_t n = in->len < body->left ? in->len : (size_t)body->left;
    struct str piece = { in->at, n };
    *in = str_skip(*in, n);
    body->left -= n;
    body->overhead_max += n * OVERHEAD_PER_BYTE;
    if (body->left == 0) body->state = body->state == BODY_LENGTH ? BODY_DONE : BODY_DATA_CR;
    return piece;
}

static int end_of_size(struct http_body *body)
{
    if (body->digits == 0) return 400;
    body->state = body->left > 0 ? BODY_DATA : BODY_TRAILER;
    body->digits = 0;
    return 0;
}

static int take_size(struct http_body *body, char c)
{
    int digit = hex_digit(c);
    if (digit >= 0) {
        if (++body->digits > 15) return 413;
        body->left = body->left * 16 + (unsigned)digit;
        return 0;
    }
    if (c == ';')
        body->state = BODY_EXTENSION;
    else if (c == '\r')
        body->state = BODY_SIZE_LF;
    else
        return 400;
    return body->digits == 0 ? 400 : 0;
}

static int expect_char(struct http_body *body, char c, char wanted, enum http_body_state next)
{
    body->state = next;
    return c == wanted ? 0 : 400;
}

/* One byte that is not body. */
static int take_char(struct http_body *body, char c)
{
    if (++body->overhead > body->overhead_max) return 413;
    switch (body->state) {
    case BODY_SIZE: return take_size(body, c);
    case BODY_EXTENSION:
        if (c == '\r') body->state = BODY_SIZE_LF;
        return c == '\n' ? 400 : 0;
    case BODY_SIZE_LF: return c == '\n' ? end_of_size(body) : 400;
    case BODY_DATA_CR: return expect_char(body, c, '\r', BODY_DATA_LF);
    case BODY_DATA_LF: return expect_char(body, c, '\n', BODY_SIZE);
    case BODY_TRAILER: body->state = c == '\r' ? BODY_END_LF : BODY_TRAILER_LINE; return c == '\n' ? 400 : 0;
    case BODY_TRAILER_LINE:
        if (c == '\r') body->state = BODY_TRAILER_LF;
        return c == '\n' ? 400 : 0;
    case BODY_TRAILER_LF: return expect_char(body, c, '\n', BODY_TRAILER);
    case BODY_END_LF: return expect_char(body, c, '\n', BODY_DONE);
    case BODY_LENGTH: /* bytes that are passed on whole, or the end */
    case BODY_DATA:
    case BODY_DONE: break;
    }
    return 400;
}

int http_body_next(struct http_body *body, struct str *in, struct str *piece)
{
    int refused = 0;
    *piece = STR_NONE;
    while (!refused && in->len > 0 && body->state != BODY_DONE) {
        if (body->state == BODY_LENGTH || body->state == BODY_DATA) {
            *piece = take_data(body, in);
            return 0;
        }
        refused = take_char(body, in->at[0]);
        *in = str_skip(*in, 1);
    }
    return refused;
}
