/* columns.c - fields out of records. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/wire/columns.h"

#include <string.h>

void *column_copy(struct arena *arena, const void *items, size_t n, size_t item_bytes, size_t offset, size_t bytes)
{
    char *column = arena_alloc(arena, n * bytes + 1);

    for (size_t i = 0; i < n; i++) memcpy(column + i * bytes, (const char *)items + i * item_bytes + offset, bytes);
    return column;
}
