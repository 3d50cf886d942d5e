/* decode.c - msgpack to records: types, bounds and what is required. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/wire/decode.h"

#include <string.h>

#include "libshared/wire/check.h"
#include "libshared/wire/unpack.h"
#include "libshared/wire/walk.h"

/* What one record is read with. */
struct msgpack_reader {
    struct msgpack_in *in;
    struct arena *arena;
    struct wire_error *why;
};
static enum err read_record(
    const struct wire_shape *shape, const struct msgpack_value *from, struct msgpack_reader *r, void *out);

static enum err read_int(
    const struct wire_field *f, const struct msgpack_value *v, struct msgpack_reader *r, int64_t *out)
{
    if (v->kind == MSGPACK_UINT && v->uint <= INT64_MAX)
        *out = (int64_t)v->uint;
    else if (v->kind == MSGPACK_INT)
        *out = v->integer;
    else
        return refuse_kind(f, r->why);
    return check_int(f, *out, r->why);
}

static enum err read_id(
    const struct wire_field *f, const struct msgpack_value *v, struct msgpack_reader *r, struct id *out)
{
    if (v->kind != MSGPACK_BIN || v->bytes.len != sizeof out->b) return refuse_kind(f, r->why);
    memcpy(out->b, v->bytes.at, sizeof out->b);
    return check_id(f, *out, r->why);
}

static enum err read_text(
    const struct wire_field *f, const struct msgpack_value *v, struct msgpack_reader *r, struct str *out)
{
    if (v->kind != MSGPACK_TEXT) return refuse_kind(f, r->why);
    *out = v->bytes;
    return check_text(f, *out, r->why);
}

static enum err read_bytes(
    const struct wire_field *f, const struct msgpack_value *v, struct msgpack_reader *r, struct str *out)
{
    if (v->kind != MSGPACK_BIN) return refuse_kind(f, r->why);
    *out = v->bytes;
    return check_bytes(f, out->len, r->why);
}

static enum err read_bool(
    const struct wire_field *f, const struct msgpack_value *v, struct msgpack_reader *r, bool *out)
{
    if (v->kind != MSGPACK_BOOL) return refuse_kind(f, r->why);
    *out = v->truth;
    return OK;
}

static enum err read_any(const struct wire_field *f, struct msgpack_reader *r, struct str *out)
{
    struct unpacked in;

    if (!msgpack_skip(r->in, out)) return refuse_kind(f, r->why);
    TRY(check_any_size(f, *out, r->why));
    TRY(unpack_open(*out, &in));
    enum err e = check_any(f, &in.root, r->why);
    unpack_close(&in);
    return e;
}

/* Room for as much as came from outside.  NULL: it would be over what the request may have. */
static void *alloc_records(const struct wire_field *f, size_t len, size_t size, struct msgpack_reader *r)
{
    if (arena_fits(r->arena, len * size)) return arena_zero(r->arena, len * size);
    refuse_memory(f, r->why);
    return NULL;
}

static enum err read_item(const struct wire_field *f, size_t i, struct msgpack_reader *r, void *out)
{
    struct msgpack_value v;

    msgpack_next(r->in, &v);
    if (f->kind == WIRE_IDS) return read_id(f, &v, r, out);
    if (f->kind == WIRE_TEXTS) {
        if (v.kind != MSGPACK_TEXT) return refuse_kind(f, r->why);
        *(struct str *)out = v.bytes;
        return check_item(f, i, v.bytes, r->why);
    }
    enum err e = read_record(f->of(), &v, r, out);
    return e == OK ? OK : refuse_within(f, (long)i, e, r->why);
}

/* The bytes of the value that comes next, which is not read by this. */
static size_t next_bytes(struct msgpack_in ahead)
{
    struct str raw;

    return msgpack_skip(&ahead, &raw) ? raw.len : 0;
}

static enum err read_many(const struct wire_field *f, struct msgpack_reader *r, struct wire_list *out)
{
    struct msgpack_value v;
    size_t bytes = f->total > 0 ? next_bytes(*r->in) : 0, size = field_item_size(f);

    msgpack_next(r->in, &v);
    if (v.kind != MSGPACK_ARRAY) return refuse_kind(f, r->why);
    TRY(check_count(f, v.count, r->why));
    TRY(check_total(f, bytes, r->why));
    if (v.count == 0) return OK;
    out->at = alloc_records(f, v.count, size, r);
    if (out->at == NULL) return ERR_TOO_LARGE;
    for (out->len = 0; out->len < v.count; out->len++) TRY(read_item(f, out->len, r, out->at + out->len * size));
    return OK;
}

static enum err read_one(
    const struct wire_field *f, const struct msgpack_value *v, struct msgpack_reader *r, void **out)
{
    if (v->kind != MSGPACK_MAP) return refuse_kind(f, r->why);
    *out = alloc_records(f, 1, f->of()->size, r);
    if (*out == NULL) return ERR_TOO_LARGE;
    enum err e = read_record(f->of(), v, r, *out);
    return e == OK ? OK : refuse_within(f, -1, e, r->why);
}

static enum err read_single(const struct wire_field *f, struct msgpack_reader *r, void *out)
{
    struct msgpack_value v;

    msgpack_next(r->in, &v);
    switch (f->kind) {
    case WIRE_INT:
    case WIRE_TIME: return read_int(f, &v, r, out);
    case WIRE_BOOL: return read_bool(f, &v, r, out);
    case WIRE_TEXT: return read_text(f, &v, r, out);
    case WIRE_BYTES: return read_bytes(f, &v, r, out);
    case WIRE_ID: return read_id(f, &v, r, out);
    case WIRE_ANY:
    case WIRE_TEXTS:
    case WIRE_IDS:
    case WIRE_LIST: /* not single */
    case WIRE_ONE: break;
    }
    return read_one(f, &v, r, out);
}

static enum err read_value(const struct wire_field *f, struct msgpack_reader *r, void *out)
{
    switch (f->kind) {
    case WIRE_ANY: return read_any(f, r, out);
    case WIRE_TEXTS:
    case WIRE_IDS:
    case WIRE_LIST: return read_many(f, r, out);
    case WIRE_INT:
    case WIRE_TIME:
    case WIRE_BOOL:
    case WIRE_TEXT:
    case WIRE_BYTES:
    case WIRE_ID:
    case WIRE_ONE: break;
    }
    return read_single(f, r, out);
}

/* A key that is no text names no field; it may be a container. */
static struct str next_key(struct msgpack_in *in)
{
    struct msgpack_in before = *in;
    struct msgpack_value v;
    struct str raw;

    msgpack_next(in, &v);
    if (v.kind == MSGPACK_TEXT) return v.bytes;
    *in = before;
    msgpack_skip(in, &raw);
    return STR_NONE;
}

/* Keys mostly come in the shape's order: `near`, the field after the last one found, is tried first. */
static const struct wire_field *find_field(
    const struct wire_shape *shape, const struct wire_field *near, struct str name)
{
    return near->name != NULL && str_eq(name, field_name(near)) ? near : wire_find(shape, name);
}

/* Into a zeroed record.  What the bytes do not hold is read as nil, which no field is, so a record ends there. */
static enum err read_record(
    const struct wire_shape *shape, const struct msgpack_value *from, struct msgpack_reader *r, void *out)
{
    const struct wire_field *near = shape->fields;
    uint64_t seen = 0;
    struct str raw;

    if (from->kind != MSGPACK_MAP)
        return wire_refuse(r->why, ERR_INVALID_ARGUMENT, NULL, "want an object: %s", shape->name);
    for (uint32_t i = 0; i < from->count; i++) {
        const struct wire_field *f = find_field(shape, near, next_key(r->in));
        if (f == NULL) {
            msgpack_skip(r->in, &raw);
            continue;
        }
        uint64_t bit = UINT64_C(1) << (f - shape->fields);
        if (seen & bit) return refuse_field(f, "is given twice", r->why);
        seen |= bit;
        near = f + 1;
        TRY(read_value(f, r, (char *)out + f->at));
    }
    for (const struct wire_field *f = shape->fields; f->name != NULL; f++)
        if ((seen & UINT64_C(1) << (f - shape->fields)) == 0) TRY(check_absent(f, (char *)out + f->at, r->why));
    return OK;
}

enum err wire_decode_next(
    const struct wire_shape *shape, struct msgpack_in *in, struct arena *arena, void *out, struct wire_error *why)
{
    struct msgpack_reader r = { in, arena, why };
    struct msgpack_value from;

    memset(out, 0, shape->size);
    msgpack_next(in, &from);
    enum err e = read_record(shape, &from, &r, out);
    return e == OK && in->bad ? ERR_MALFORMED : e;
}

enum err wire_decode(
    const struct wire_shape *shape, struct str bytes, struct arena *arena, void *out, struct wire_error *why)
{
    struct msgpack_in in = { .left = bytes };
    struct str rest = bytes;
    size_t values = 0;

    memset(out, 0, shape->size);
    if (!walk_value(&rest, WIRE_MAX_DEPTH, &values) || rest.len > 0)
        return wire_refuse(why, ERR_MALFORMED, NULL, "not msgpack, or nested too deeply");
    if (values > WIRE_MAX_VALUES) return wire_refuse(why, ERR_TOO_LARGE, NULL, "more than %u values", WIRE_MAX_VALUES);
    return wire_decode_next(shape, &in, arena, out, why);
}
