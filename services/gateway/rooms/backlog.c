/* backlog.c - a few messages as ready packets, by seq. */
// SPDX-License-Identifier: Apache-2.0
#include <assert.h>
#include <string.h>

#include "services/gateway/rooms/rooms_private.h"

/* All rooms together count what a room has more than one of: a room of few bytes is not short of them. */
bool backlog_is_full(const struct backlog *b)
{
    return b->n == BACKLOG_MAX || b->bytes > BACKLOG_BYTES || (b->n > 0 && *b->all > BACKLOGS_BYTES);
}

size_t entry_packets_bytes(const struct entry_packets *entry)
{
    return eio_packet_bytes(entry->packet) + (entry->blind != entry->packet ? eio_packet_bytes(entry->blind) : 0);
}

void backlog_add(struct backlog *b, const struct entry_packets *entry)
{
    assert(b->n < BACKLOG_MAX);
    if (b->at == NULL) b->at = mem_alloc(BACKLOG_MAX * sizeof *b->at);
    b->at[b->n] = *entry;
    eio_packet_take(entry->packet);
    eio_packet_take(entry->blind);
    b->n++;
    b->bytes += entry_packets_bytes(entry);
    *b->all += entry_packets_bytes(entry);
}

void backlog_shift(struct backlog *b, size_t n)
{
    assert(n <= b->n);
    for (size_t i = 0; i < n; i++) {
        b->bytes -= entry_packets_bytes(&b->at[i]);
        *b->all -= entry_packets_bytes(&b->at[i]);
        entry_packets_drop(&b->at[i]);
    }
    b->n -= n;
    if (n > 0 && b->n > 0) memmove(b->at, b->at + n, b->n * sizeof *b->at);
}

void backlog_clear(struct backlog *b)
{
    backlog_shift(b, b->n);
    mem_free(b->at);
    *b = (struct backlog){ .all = b->all };
}
