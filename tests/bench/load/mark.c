/* mark.c - the head of each body, "~room.number~", by which a listener knows what it hears. */
// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/load/mark.h"

#include <stdio.h>
#include <string.h>

void mark_write(char *body, size_t len, size_t room, uint32_t number)
{
    int head = snprintf(body, len + 1, "~%zu.%u~", room, number);

    memset(body + head, 'x', len - (size_t)head);
    body[len] = '\0';
}

int64_t mark_number_after(const char *text, size_t len, const char *key)
{
    size_t key_len = strlen(key);
    const char *at = memmem(text, len, key, key_len), *end = text + len;
    int64_t n = 0;

    if (at == NULL || (at += key_len) == end || *at < '0' || *at > '9') return -1;
    for (; at < end && *at >= '0' && *at <= '9'; at++) n = n * 10 + (*at - '0');
    return n;
}

bool mark_read(const char *text, size_t len, size_t *room, uint32_t *number)
{
    const char *mark = memchr(text, '~', len);
    const char *dot = mark == NULL ? NULL : memchr(mark, '.', (size_t)(text + len - mark));

    if (dot == NULL) return false;
    int64_t r = mark_number_after(mark, (size_t)(dot - mark), "~");
    int64_t n = mark_number_after(dot, (size_t)(text + len - dot), ".");
    *room = (size_t)r;
    *number = (uint32_t)n;
    return r >= 0 && n >= 0;
}
