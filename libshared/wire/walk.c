/* walk.c - the sanity walk that comes before msgpack-c, which allocates by the declared count. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/wire/walk.h"

#include <assert.h>

#include "libshared/wire/wire.h"

/* clang-format off */
/* What follows the lead bytes 0xc0 to 0xdf: bytes known from the lead alone, then a length of `width` bytes, which
 * counts bytes (each 0), values (1) or pairs (2). */
static const struct { uint8_t fixed, width, each; bool bad; } leads[32] = {
    [0x01] = { .bad = true },                                            /* never used */
    [0x04] = { 0, 1, 0, 0 }, [0x05] = { 0, 2, 0, 0 }, [0x06] = { 0, 4, 0, 0 }, /* bin */
    [0x07] = { 1, 1, 0, 0 }, [0x08] = { 1, 2, 0, 0 }, [0x09] = { 1, 4, 0, 0 },   /* ext: a type, too */
    [0x0a] = { .fixed = 4 }, [0x0b] = { .fixed = 8 },                    /* float */
    [0x0c] = { .fixed = 1 }, [0x0d] = { .fixed = 2 }, [0x0e] = { .fixed = 4 }, [0x0f] = { .fixed = 8 },
    [0x10] = { .fixed = 1 }, [0x11] = { .fixed = 2 }, [0x12] = { .fixed = 4 }, [0x13] = { .fixed = 8 },
    [0x14] = { .fixed = 2 }, [0x15] = { .fixed = 3 }, [0x16] = { .fixed = 5 }, [0x17] = { .fixed = 9 },
    [0x18] = { .fixed = 17 },                                            /* fixext */
    [0x19] = { 0, 1, 0, 0 }, [0x1a] = { 0, 2, 0, 0 }, [0x1b] = { 0, 4, 0, 0 },   /* str */
    [0x1c] = { 0, 2, 1, 0 }, [0x1d] = { 0, 4, 1, 0 },                    /* array */
    [0x1e] = { 0, 2, 2, 0 }, [0x1f] = { 0, 4, 2, 0 },                    /* map */
};
/* clang-format on */

/* After the lead byte: bytes to step over, values to walk into. */
struct head {
    uint64_t bytes, children;
    bool opens;
};

static bool read_long_head(const uint8_t *p, size_t len, struct head *out)
{
    unsigned kind = p[0] & 0x1F, width = leads[kind].width;
    uint64_t count = 0;

    if (leads[kind].bad || len < 1 + width) return false;
    for (unsigned i = 1; i <= width; i++) count = count << 8 | p[i];
    bool opens = leads[kind].each > 0;
    *out = (struct head){ leads[kind].fixed + width, count * leads[kind].each, opens };
    if (!opens) out->bytes += count;
    return true;
}

static bool read_head(const uint8_t *p, size_t len, struct head *out)
{
    if (len == 0) return false;
    *out = (struct head){ 0 };
    if (p[0] >= 0xC0 && p[0] < 0xE0) return read_long_head(p, len, out);
    if (p[0] >= 0xA0 && p[0] < 0xC0)
        out->bytes = p[0] & 0x1F;
    else if (p[0] >= 0x90 && p[0] < 0xA0)
        *out = (struct head){ 0, p[0] & 0x0F, true };
    else if (p[0] >= 0x80 && p[0] < 0x90)
        *out = (struct head){ 0, 2 * (p[0] & 0x0Fu), true };
    return true;
}

bool walk_value(struct str *rest, unsigned depth_max, size_t *values)
{
    uint64_t left[WIRE_MAX_DEPTH + 1] = { 1 }; /* values still to come, per open container */
    unsigned depth = 0;
    struct head head;

    assert(depth_max <= WIRE_MAX_DEPTH);
    for (;;) {
        while (left[depth] == 0)
            if (depth-- == 0) return true;
        left[depth]--;
        ++*values;
        if (!read_head((const uint8_t *)rest->at, rest->len, &head) || head.bytes >= rest->len) return false;
        *rest = str_skip(*rest, 1 + (size_t)head.bytes);
        if (!head.opens) continue;
        if (head.children > rest->len || depth == depth_max) return false;
        left[++depth] = head.children;
    }
}

bool wire_is_sane(struct str bytes)
{
    size_t values = 0;

    return walk_value(&bytes, WIRE_MAX_DEPTH, &values) && bytes.len == 0;
}
