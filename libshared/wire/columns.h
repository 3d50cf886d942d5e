/* columns.h - a field of each record of a list, as a list of its own: what a statement takes as an array, and a question as names. */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <stddef.h>

#include "libshared/wire/wire.h"

/* TEXTS_OF(arena, page->messages, sender).  A field of another type does not compile. */
#define TEXTS_OF(arena, list, field) ((struct str_list){ COLUMN_OF(struct str, arena, list, field), (list).len })
#define IDS_OF(arena, list, field)   ((struct id_list){ COLUMN_OF(struct id, arena, list, field), (list).len })
/* Two arguments of pg_ints() or pg_times(): where they are, and how many. */
#define INTS_OF(arena, list, field)  COLUMN_OF(int64_t, arena, list, field), (list).len

#define COLUMN_OF(type, arena, list, field)                                                                            \
    ((type *)column_copy(arena, (list).at, (list).len, sizeof *(list).at,                                              \
        _Generic((list).at->field, type                                                                                \
                 : offsetof(__typeof__(*(list).at), field)),                                                           \
        sizeof(type)))
void *column_copy(struct arena *arena, const void *items, size_t n, size_t item_bytes, size_t offset, size_t bytes);
