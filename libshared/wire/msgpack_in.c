/* msgpack_in.c - msgpack value by value. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/wire/msgpack_in.h"

#include <string.h>

static void put_real(const struct msgpack_head *head, struct msgpack_value *out)
{
    uint32_t low = (uint32_t)head->n;
    float single;

    if (head->width == 8) {
        memcpy(&out->real, &head->n, sizeof head->n);
    } else {
        memcpy(&single, &low, sizeof low);
        out->real = (double)single;
    }
}

/* A signed one that is not negative is a plain number.  One that is its own lead byte has the sign of that byte. */
static void put_int(const struct msgpack_head *head, struct msgpack_value *out)
{
    unsigned shift = 64 - 8 * (head->width > 0 ? head->width : 1u);
    int64_t n = (int64_t)(head->n << shift) >> shift;

    out->kind = n < 0 ? MSGPACK_INT : MSGPACK_UINT;
    out->integer = n;
    out->uint = (uint64_t)n;
}

/* Each value takes one byte at least. */
static bool take_count(struct msgpack_in *in, const struct msgpack_head *head, struct msgpack_value *out)
{
    out->count = (uint32_t)head->n;
    return msgpack_head_values(head) <= in->left.len;
}

static bool take_bytes(struct msgpack_in *in, const struct msgpack_head *head, struct msgpack_value *out)
{
    if (head->n > in->left.len) return false;
    out->bytes = (struct str){ in->left.at, (size_t)head->n };
    in->left = str_skip(in->left, (size_t)head->n);
    return true;
}

static bool take_rest(struct msgpack_in *in, const struct msgpack_head *head, struct msgpack_value *out)
{
    switch (head->kind) {
    case MSGPACK_NIL: return true;
    case MSGPACK_BOOL: out->truth = head->n == 1; return true;
    case MSGPACK_UINT: out->uint = head->n; return true;
    case MSGPACK_INT: put_int(head, out); return true;
    case MSGPACK_REAL: put_real(head, out); return true;
    case MSGPACK_EXT: out->ext = (int8_t)in->left.at[-1]; return take_bytes(in, head, out);
    case MSGPACK_TEXT:
    case MSGPACK_BIN: return take_bytes(in, head, out);
    case MSGPACK_ARRAY:
    case MSGPACK_MAP: return take_count(in, head, out);
    }
    return false;
}

static bool read_value(struct msgpack_in *in, struct msgpack_value *out)
{
    struct msgpack_head head;

    if (!msgpack_read_head(in->left, &head)) return false;
    *out = (struct msgpack_value){ .kind = head.kind, .lead = (uint8_t)in->left.at[0] };
    in->left = str_skip(in->left, head.len);
    return take_rest(in, &head, out);
}

bool msgpack_next(struct msgpack_in *in, struct msgpack_value *out)
{
    if (!in->bad && !read_value(in, out)) in->bad = true;
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

struct str msgpack_member(struct str map, const char *name)
{
    struct msgpack_in in = { .left = map };
    struct msgpack_value object, key;
    struct str raw;

    if (!msgpack_next(&in, &object) || object.kind != MSGPACK_MAP) return STR_NONE;
    for (uint32_t i = 0; i < object.count; i++) {
        if (!msgpack_next(&in, &key) || !msgpack_skip(&in, &raw)) return STR_NONE;
        if (key.kind == MSGPACK_TEXT && str_is(key.bytes, name)) return raw;
    }
    return STR_NONE;
}
