/* buf.c - bytes that grow up to a bound. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/base/buf.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define LEAST_BYTES 512

static void grow_buf(struct buf *b, size_t need)
{
    size_t cap = b->cap < LEAST_BYTES ? LEAST_BYTES : b->cap;

    while (cap < need) cap = cap > SIZE_MAX / 2 ? need : cap * 2;
    b->cap = cap < b->max ? cap : b->max;
    b->at = mem_grow(b->at, b->cap);
}

bool buf_reserve(struct buf *b, size_t more)
{
    if (b->over || more > b->max || b->len > b->max - more) {
        b->over = true;
        return false;
    }
    if (b->len + more > b->cap) grow_buf(b, b->len + more);
    return true;
}

void buf_printf(struct buf *b, const char *fmt, ...)
{
    va_list args, again;

    assert(fmt != NULL);
    va_start(args, fmt);
    va_copy(again, args);
    int len = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    assert(len >= 0);

    /* vsnprintf ends with a NUL, which is not part of the bytes but needs a place. */
    char small[256], *text = len < (int)sizeof small ? small : mem_alloc((size_t)len + 1);
    vsnprintf(text, (size_t)len + 1, fmt, again);
    va_end(again);
    buf_add(b, text, (size_t)len);
    if (text != small) mem_free(text);
}

void buf_clear(struct buf *b)
{
    b->len = 0;
    b->over = false;
}

void buf_free(struct buf *b)
{
    mem_free(b->at);
    *b = BUF(b->max);
}

struct str buf_str(const struct buf *b)
{
    return (struct str){ b->at, b->len };
}
