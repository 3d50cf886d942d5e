/* msgpack_in.c - the heads of msgpack values. */
// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/socketio/msgpack_in.h"

#include <string.h>

/* The lead bytes 0xc0 to 0xdf: what comes, and the width of its number or length. */
static const struct lead {
    uint8_t kind, width;
    bool bad;
} leads[32] = {
    [0x00] = { .kind = MSGPACK_NIL },
    [0x01] = { .bad = true },
    [0x02] = { .kind = MSGPACK_BOOL },
    [0x03] = { .kind = MSGPACK_BOOL },
    [0x04] = { MSGPACK_BIN, 1, false },
    [0x05] = { MSGPACK_BIN, 2, false },
    [0x06] = { MSGPACK_BIN, 4, false },
    [0x07] = { MSGPACK_EXT, 1, false },
    [0x08] = { MSGPACK_EXT, 2, false },
    [0x09] = { MSGPACK_EXT, 4, false },
    [0x0a] = { MSGPACK_REAL, 4, false },
    [0x0b] = { MSGPACK_REAL, 8, false },
    [0x0c] = { MSGPACK_UINT, 1, false },
    [0x0d] = { MSGPACK_UINT, 2, false },
    [0x0e] = { MSGPACK_UINT, 4, false },
    [0x0f] = { MSGPACK_UINT, 8, false },
    [0x10] = { MSGPACK_INT, 1, false },
    [0x11] = { MSGPACK_INT, 2, false },
    [0x12] = { MSGPACK_INT, 4, false },
    [0x13] = { MSGPACK_INT, 8, false },
    [0x14] = { .kind = MSGPACK_EXT },
    [0x15] = { .kind = MSGPACK_EXT },
    [0x16] = { .kind = MSGPACK_EXT },
    [0x17] = { .kind = MSGPACK_EXT },
    [0x18] = { .kind = MSGPACK_EXT },
    [0x19] = { MSGPACK_TEXT, 1, false },
    [0x1a] = { MSGPACK_TEXT, 2, false },
    [0x1b] = { MSGPACK_TEXT, 4, false },
    [0x1c] = { MSGPACK_ARRAY, 2, false },
    [0x1d] = { MSGPACK_ARRAY, 4, false },
    [0x1e] = { MSGPACK_MAP, 2, false },
    [0x1f] = { MSGPACK_MAP, 4, false },
};

static bool take_bytes(struct msgpack_in *in, uint64_t len, struct str *out)
{
    if (len > in->left.len) return false;
    *out = (struct str){ in->left.at, (size_t)len };
    in->left = str_skip(in->left, (size_t)len);
    return true;
}

static bool take_number(struct msgpack_in *in, unsigned width, uint64_t *out)
{
    struct str bytes;

    if (!take_bytes(in, width, &bytes)) return false;
    *out = 0;
    for (unsigned i = 0; i < width; i++) *out = *out << 8 | (uint8_t)bytes.at[i];
    return true;
}

static bool put_count(struct msgpack_in *in, enum msgpack_kind kind, uint64_t count, struct msgpack_value *out)
{
    uint64_t values = kind == MSGPACK_MAP ? 2 * count : count;

    out->kind = kind;
    out->count = (uint32_t)count;
    return values <= in->left.len;
}

static bool put_bytes(struct msgpack_in *in, enum msgpack_kind kind, uint64_t len, struct msgpack_value *out)
{
    struct str type;

    out->kind = kind;
    if (kind == MSGPACK_EXT) {
        if (!take_bytes(in, 1, &type)) return false;
        out->ext = (int8_t)type.at[0];
    }
    return take_bytes(in, len, &out->bytes);
}

static void put_real(uint64_t bits, unsigned width, struct msgpack_value *out)
{
    uint32_t low = (uint32_t)bits;
    float single;

    out->kind = MSGPACK_REAL;
    if (width == 8) {
        memcpy(&out->real, &bits, sizeof bits);
    } else {
        memcpy(&single, &low, sizeof low);
        out->real = (double)single;
    }
}

/* A signed one that is not negative is a plain number. */
static void put_int(uint64_t bits, unsigned width, struct msgpack_value *out)
{
    unsigned shift = 64 - 8 * width;
    int64_t n = (int64_t)(bits << shift) >> shift;

    out->kind = n < 0 ? MSGPACK_INT : MSGPACK_UINT;
    out->integer = n;
    out->uint = (uint64_t)n;
}

static bool put_sized(struct msgpack_in *in, const struct lead *lead, uint64_t n, struct msgpack_value *out)
{
    switch ((enum msgpack_kind)lead->kind) {
    case MSGPACK_REAL: put_real(n, lead->width, out); return true;
    case MSGPACK_INT: put_int(n, lead->width, out); return true;
    case MSGPACK_ARRAY:
    case MSGPACK_MAP: return put_count(in, (enum msgpack_kind)lead->kind, n, out);
    case MSGPACK_TEXT:
    case MSGPACK_BIN:
    case MSGPACK_EXT: return put_bytes(in, (enum msgpack_kind)lead->kind, n, out);
    default:
        out->kind = MSGPACK_UINT;
        out->uint = n;
        return true;
    }
}

static bool read_long(struct msgpack_in *in, uint8_t first, struct msgpack_value *out)
{
    const struct lead *lead = &leads[first & 0x1f];
    uint64_t n;

    if (lead->bad) return false;
    if (lead->kind == MSGPACK_EXT && lead->width == 0) return put_bytes(in, MSGPACK_EXT, 1u << (first - 0xd4), out);
    if (lead->width > 0) return take_number(in, lead->width, &n) && put_sized(in, lead, n, out);
    out->kind = (enum msgpack_kind)lead->kind;
    out->truth = first == 0xc3;
    return true;
}

static bool read_head(struct msgpack_in *in, struct msgpack_value *out)
{
    uint64_t first;

    *out = (struct msgpack_value){ 0 };
    if (!take_number(in, 1, &first)) return false;
    out->lead = (uint8_t)first;
    if (first >= 0xc0 && first < 0xe0) return read_long(in, (uint8_t)first, out);
    if (first >= 0xa0 && first < 0xc0) return put_bytes(in, MSGPACK_TEXT, first & 0x1f, out);
    if (first >= 0x90 && first < 0xa0) return put_count(in, MSGPACK_ARRAY, first & 0x0f, out);
    if (first >= 0x80 && first < 0x90) return put_count(in, MSGPACK_MAP, first & 0x0f, out);
    put_int(first, 1, out);
    return true;
}

bool msgpack_next(struct msgpack_in *in, struct msgpack_value *out)
{
    if (!in->bad && !read_head(in, out)) in->bad = true;
    if (in->bad) *out = (struct msgpack_value){ 0 };
    return !in->bad;
}

static void skip_value(struct msgpack_in *in, unsigned depth)
{
    struct msgpack_value value;

    if (!msgpack_next(in, &value) || value.kind < MSGPACK_ARRAY) return;
    if (depth == MSGPACK_MAX_DEPTH) {
        in->bad = true;
        return;
    }
    uint64_t values = value.kind == MSGPACK_MAP ? 2 * (uint64_t)value.count : value.count;
    while (values-- > 0 && !in->bad) skip_value(in, depth + 1);
}

bool msgpack_skip(struct msgpack_in *in, struct str *raw)
{
    const char *from = in->left.at;

    skip_value(in, 0);
    *raw = in->bad ? STR_NONE : (struct str){ from, (size_t)(in->left.at - from) };
    return !in->bad;
}

bool msgpack_is_undefined(const struct msgpack_value *value)
{
    return value->lead == 0xd4 && value->ext == 0;
}
