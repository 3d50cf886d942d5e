/* parts.c - which part has a room. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/rpc/parts.h"

#include <assert.h>

#include "libshared/base/fnv.h"
#include "libshared/wire/wire.h"

/* Ids that are made in one millisecond differ in their last bytes only. */
static uint64_t hash_id(struct id id)
{
    uint64_t hash = FNV_START;

    for (size_t i = 0; i < sizeof id.b; i++) hash = fnv_add(hash, id.b[i]);
    return hash;
}

size_t part_of(struct id room, size_t n)
{
    assert(n > 0 && n <= PARTS_MAX);
    if (n == 1) return 0;
    uint64_t hash = hash_id(room);

    return (size_t)((hash ^ hash >> 32) % PART_SLOTS) * n / PART_SLOTS;
}

static size_t first_slot(size_t part, size_t n)
{
    return (part * PART_SLOTS + n - 1) / n;
}

struct part_slots part_slots(size_t part, size_t n)
{
    assert(part < n && n <= PARTS_MAX);
    size_t first = first_slot(part, n);

    return (struct part_slots){ first, first_slot(part + 1, n) - first };
}

bool part_of_request(struct str body, size_t n, size_t *part)
{
    struct id room;

    if (n == 1 || !wire_peek_id(body, "room", &room)) return false;
    *part = part_of(room, n);
    return true;
}
