/* buf.h - bytes that grow up to a bound.  Over it the buffer is `over`, sticks so, and takes no more:
 * write twenty things, test once. */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/base/arena.h"

struct buf {
    char *at;
    size_t len, cap, max;
    bool over;
};

#define BUF(max_bytes) ((struct buf){ .max = (max_bytes) })

void buf_add(struct buf *b, const void *at, size_t len);
void buf_add_str(struct buf *b, struct str s);
void buf_add_char(struct buf *b, char c);
void buf_printf(struct buf *b, const char *fmt, ...) PRINTF_LIKE(2, 3);
bool buf_reserve(struct buf *b, size_t more); /* room for so many at at+len; false: over */
void buf_clear(struct buf *b);                /* empty, keeps its memory, no longer over */
void buf_free(struct buf *b);
struct str buf_str(const struct buf *b);
