/* walk.c - the sanity walk that comes before msgpack-c, which allocates by the declared count. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/wire/walk.h"

#include <assert.h>
#include <string.h>

#include "libshared/wire/msgpack_head.h"
#include "libshared/wire/wire.h"

bool walk_value(struct str *rest, unsigned depth_max, size_t *values)
{
    uint64_t left[WIRE_MAX_DEPTH + 1] = { 1 }; /* values still to come, per open container */
    unsigned depth = 0;
    struct msgpack_head head;

    assert(depth_max <= WIRE_MAX_DEPTH);
    for (;;) {
        while (left[depth] == 0)
            if (depth-- == 0) return true;
        left[depth]--;
        ++*values;
        if (!msgpack_read_head(*rest, &head)) return false;
        *rest = str_skip(*rest, head.len);
        if (head.kind < MSGPACK_ARRAY) {
            uint64_t bytes = msgpack_head_bytes(&head);
            if (bytes > rest->len) return false;
            *rest = str_skip(*rest, (size_t)bytes);
            continue;
        }
        uint64_t children = msgpack_head_values(&head);
        if (children > rest->len || depth == depth_max) return false;
        left[++depth] = children;
    }
}

bool wire_is_sane(struct str bytes)
{
    size_t values = 0;

    return walk_value(&bytes, WIRE_MAX_DEPTH, &values) && bytes.len == 0;
}

/* A value, as it stands; "" if there is none. */
static struct str next_value(struct str *rest)
{
    struct str value = *rest;
    size_t values = 0;

    if (!walk_value(rest, WIRE_MAX_DEPTH, &values)) *rest = STR("");
    value.len -= rest->len;
    return value;
}

static bool is_short_text(struct str value, const char *text)
{
    size_t len = strlen(text);

    return value.len == len + 1 && len < 32 && (uint8_t)value.at[0] == (0xA0 | len) &&
           memcmp(value.at + 1, text, len) == 0;
}

bool wire_peek_id(struct str bytes, const char *field, struct id *out)
{
    static const char head[] = { (char)0xC4, sizeof out->b }; /* bin 8 */
    struct msgpack_head map;

    if (!msgpack_read_head(bytes, &map) || map.kind < MSGPACK_ARRAY) return false;
    bytes = str_skip(bytes, map.len);
    for (uint64_t i = 0; i + 1 < msgpack_head_values(&map) && bytes.len > 0; i += 2) {
        struct str key = next_value(&bytes), value = next_value(&bytes);
        if (!is_short_text(key, field)) continue;
        if (value.len != sizeof head + sizeof out->b || memcmp(value.at, head, sizeof head) != 0) return false;
        memcpy(out->b, value.at + sizeof head, sizeof out->b);
        return true;
    }
    return false;
}
