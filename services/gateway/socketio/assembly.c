/* assembly.c - one binary packet while its attachments arrive. */
// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/socketio/assembly.h"

#include <assert.h>

struct sio_assembly *sio_assembly_create(struct str text, size_t max_bytes)
{
    /* bound: max_bytes, which each part is held against */
    struct arena *arena = arena_create("sio.assembly", 2 * max_bytes + 65536);
    struct sio_assembly *a = arena_zero(arena, sizeof *a);

    a->arena = arena;
    a->bytes = text.len;
    a->max_bytes = max_bytes;
    bool read = sio_packet_read(arena_str(arena, text), arena, &a->packet);
    assert(read && a->packet.attachments > 0);
    return a;
}

void sio_assembly_destroy(struct sio_assembly **assembly)
{
    if (*assembly == NULL) return;
    struct arena *arena = (*assembly)->arena;
    *assembly = NULL;
    arena_destroy(&arena);
}

bool sio_assembly_add(struct sio_assembly *a, struct str part)
{
    assert(a->n < a->packet.attachments);
    if (part.len > a->max_bytes || a->bytes + part.len > a->max_bytes) return false;
    a->bytes += part.len;
    a->parts[a->n++] = arena_str(a->arena, part);
    return true;
}

bool sio_assembly_is_whole(const struct sio_assembly *a)
{
    return a->n == a->packet.attachments;
}
