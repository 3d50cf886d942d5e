/* bounds.c - how large a record can become, by its shape. */
// SPDX-License-Identifier: Apache-2.0
#include <string.h>

#include "libshared/wire/wire.h"

#define HEAD_BYTES 5 /* of a text, bytes, a list or a map, at most */
#define INT_BYTES  9
#define ID_BYTES   (2 + 16)
#define CHAR_BYTES 4

static size_t most_of_items(const struct wire_field *f)
{
    size_t n = (size_t)f->max;

    if (f->kind == WIRE_TEXTS) return n * (HEAD_BYTES + CHAR_BYTES * (size_t)f->item_max);
    return f->kind == WIRE_IDS ? n * ID_BYTES : n * wire_most_bytes(f->of());
}

static size_t most_of_list(const struct wire_field *f)
{
    size_t sum = HEAD_BYTES + most_of_items(f);

    return f->total > 0 && (size_t)f->total < sum ? (size_t)f->total : sum;
}

static size_t most_of_value(const struct wire_field *f)
{
    switch (f->kind) {
    case WIRE_INT:
    case WIRE_TIME: return INT_BYTES;
    case WIRE_BOOL: return 1;
    case WIRE_ID: return ID_BYTES;
    case WIRE_TEXT: return HEAD_BYTES + CHAR_BYTES * (size_t)f->max;
    case WIRE_BYTES: return HEAD_BYTES + (size_t)f->max;
    case WIRE_ANY: return WIRE_ANY_TEXT_MOST(f->max);
    case WIRE_ONE: return wire_most_bytes(f->of());
    case WIRE_TEXTS:
    case WIRE_IDS:
    case WIRE_LIST: break;
    }
    return most_of_list(f);
}

size_t wire_most_bytes(const struct wire_shape *shape)
{
    size_t sum = HEAD_BYTES;

    for (const struct wire_field *f = shape->fields; f->name != NULL; f++)
        sum += HEAD_BYTES + f->name_len + most_of_value(f);
    return sum;
}
