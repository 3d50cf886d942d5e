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

void buf_printf(struct buf *b, const char *fmt, ...) PRINTF_LIKE(2, 3);
bool buf_reserve(struct buf *b, size_t more); /* room for so many at at+len; false: over */

static inline bool buf_has(const struct buf *b, size_t more) /* without asking for memory */
{
    return !b->over && more <= b->cap - b->len;
}

/* So many bytes that the caller fills at once; NULL: over. */
static inline char *buf_place(struct buf *b, size_t len)
{
    if (!buf_has(b, len) && !buf_reserve(b, len)) return NULL;
    b->len += len;
    return b->at + b->len - len;
}

static inline void buf_add(struct buf *b, const void *at, size_t len)
{
    char *to = len > 0 ? buf_place(b, len) : NULL;

    if (to != NULL) __builtin_memcpy(to, at, len);
}

static inline void buf_add_str(struct buf *b, struct str s)
{
    buf_add(b, s.at, s.len);
}

static inline void buf_add_char(struct buf *b, char c)
{
    if (!buf_has(b, 1) && !buf_reserve(b, 1)) return;
    b->at[b->len++] = c;
}

void buf_clear(struct buf *b); /* empty, keeps its memory, no longer over */
void buf_free(struct buf *b);
struct str buf_str(const struct buf *b);
