/* backlog.c - a few messages as ready packets, by seq. */
// SPDX-License-Identifier: Apache-2.0
#include <assert.h>
#include <string.h>

#include "services/gateway/rooms/halls_inside.h"

void backlog_add(struct backlog *b, int64_t seq, struct eio_packet *packet)
{
    assert(b->n < HELD_MAX);
    if (b->at == NULL) b->at = mem_alloc(HELD_MAX * sizeof *b->at);
    b->at[b->n++] = (struct backlog_item){ seq, eio_packet_take(packet) };
}

void backlog_shift(struct backlog *b, size_t n)
{
    assert(n <= b->n);
    for (size_t i = 0; i < n; i++) eio_packet_drop(b->at[i].packet);
    b->n -= n;
    if (n > 0 && b->n > 0) memmove(b->at, b->at + n, b->n * sizeof *b->at);
}

void backlog_clear(struct backlog *b)
{
    backlog_shift(b, b->n);
    mem_free(b->at);
    *b = (struct backlog){ 0 };
}
