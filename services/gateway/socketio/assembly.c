/* assembly.c - one binary packet while its attachments arrive. */
// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/socketio/assembly.h"

#include <assert.h>

/* The arena's first block, which has room for what is read from the text. */
#define ASSEMBLY_BYTES 20480

struct sio_assembly *sio_assembly_create(struct str text, size_t max_bytes, struct holding *holding)
{
    if (holding_take(holding, ASSEMBLY_BYTES + text.len) != OK) return NULL;
    /* bound: max_bytes, which each part is held against */
    struct arena *arena = arena_create("sio.assembly", 2 * max_bytes + 65536);
    struct sio_assembly *a = arena_zero(arena, sizeof *a);

    a->arena = arena;
    a->holding = holding;
    a->counted = ASSEMBLY_BYTES + text.len;
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
    holding_give((*assembly)->holding, (*assembly)->counted);
    *assembly = NULL;
    arena_destroy(&arena);
}

bool sio_assembly_may_add(const struct sio_assembly *a, size_t bytes)
{
    return bytes <= a->max_bytes && a->bytes <= a->max_bytes - bytes;
}

bool sio_assembly_add(struct sio_assembly *a, struct str part)
{
    assert(a->n < a->packet.attachments && sio_assembly_may_add(a, part.len));
    if (holding_set(a->holding, &a->counted, a->counted + part.len) != OK) return false;
    a->bytes += part.len;
    a->parts[a->n++] = arena_str(a->arena, part);
    return true;
}

bool sio_assembly_is_whole(const struct sio_assembly *a)
{
    return a->n == a->packet.attachments;
}
