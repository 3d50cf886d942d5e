/*
 * msgpack_head.h - the heads of msgpack values, for whoever reads them by themselves.
 *
 *      head: [ lead byte | its number or length, big-endian | the type of an ext ]      then: bytes, or values
 */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <endian.h>
#include <string.h>

#include "libshared/base/str.h"

enum msgpack_kind {
    MSGPACK_NIL,
    MSGPACK_BOOL,
    MSGPACK_UINT,
    MSGPACK_INT, /* of a head: also one that is not negative */
    MSGPACK_REAL,
    MSGPACK_TEXT,
    MSGPACK_BIN,
    MSGPACK_EXT,
    MSGPACK_ARRAY,
    MSGPACK_MAP
};

/* What a lead byte says: the kind, the bytes of the number behind it, what it holds of that number itself, and how long the
 * head is; 0: msgpack does not use it. */
struct msgpack_lead {
    uint8_t kind, width, n, len;
};

extern const struct msgpack_lead msgpack_leads[256];

struct msgpack_head {
    enum msgpack_kind kind;
    uint8_t width;
    size_t len; /* of the head */
    uint64_t n; /* BOOL, the bits of a number; TEXT, BIN, EXT: bytes behind it; ARRAY: values; MAP: pairs */
};

/* Of `width` bytes, big-endian; a bare one stands in the lead itself. */
static inline uint64_t msgpack_number(const uint8_t *p, struct msgpack_lead lead)
{
    uint16_t two;
    uint32_t four;
    uint64_t eight;

    switch (lead.width) {
    case 0: return lead.n;
    case 1: return p[0];
    case 2: memcpy(&two, p, sizeof two); return be16toh(two);
    case 4: memcpy(&four, p, sizeof four); return be32toh(four);
    default: memcpy(&eight, p, sizeof eight); return be64toh(eight);
    }
}

/* false: it is cut, or begins with what msgpack does not use.  What comes behind it may be cut yet. */
static inline bool msgpack_read_head(struct str in, struct msgpack_head *out)
{
    const uint8_t *p = (const uint8_t *)in.at;

    if (in.len == 0) return false;
    struct msgpack_lead lead = msgpack_leads[p[0]];
    if (lead.len == 0 || lead.len > in.len) return false;
    out->kind = (enum msgpack_kind)lead.kind;
    out->width = lead.width;
    out->len = lead.len;
    out->n = msgpack_number(p + 1, lead);
    return true;
}

/* What comes behind it: bytes, or values, both of each pair. */
static inline uint64_t msgpack_head_bytes(const struct msgpack_head *head)
{
    return head->kind >= MSGPACK_TEXT && head->kind <= MSGPACK_EXT ? head->n : 0;
}

static inline uint64_t msgpack_head_values(const struct msgpack_head *head)
{
    return head->kind == MSGPACK_MAP ? 2 * head->n : head->n;
}
