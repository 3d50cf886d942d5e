/* http_body.h - a request's body: of a given length, or in chunks. */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/base/str.h"

struct http_body {
    enum http_body_state {
        BODY_LENGTH,
        BODY_SIZE,
        BODY_EXTENSION,
        BODY_SIZE_LF,
        BODY_DATA,
        BODY_DATA_CR,
        BODY_DATA_LF,
        BODY_TRAILER,
        BODY_TRAILER_LINE,
        BODY_TRAILER_LF,
        BODY_END_LF,
        BODY_DONE
    } state;
    int digits;
    uint64_t left;                 /* of the body, or of the chunk */
    size_t overhead, overhead_max; /* bytes that were not body, and as many as there may be by now */
};

void http_body_begin(struct http_body *body, bool chunked, int64_t content_length);
/* Takes bytes off `in` up to the end of the next piece of the body, which points into them; an empty piece: they are used
 * up, or the body is done.  0, or the status that refuses it: 400, 413. */
int http_body_next(struct http_body *body, struct str *in, struct str *piece);
bool http_body_is_done(const struct http_body *body);
