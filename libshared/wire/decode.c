/* decode.c - msgpack to records: types, bounds and what is required. */
// SPDX-License-Identifier: Apache-2.0
#include <assert.h>
#include <string.h>

#include "libshared/wire/check.h"
#include "libshared/wire/unpack.h"
#include "libshared/wire/walk.h"

/* What one record is read with. */
struct reader {
    struct arena *arena;
    const char *end;
    struct wire_error *why;
};

static struct str view(msgpack_object_str s)
{
    return (struct str){ s.ptr, s.size };
}

enum err unpack_open(struct str bytes, struct unpacked *out)
{
    struct str rest = bytes;
    size_t values = 0, done = 0;

    if (!walk_value(&rest, WIRE_MAX_DEPTH, &values) || rest.len > 0) return ERR_MALFORMED;
    if (values > WIRE_MAX_VALUES) return ERR_TOO_LARGE;

    /* The walk has counted the values, so the zone allocates once. */
    bool has_memory = msgpack_zone_init(&out->zone, (values + 2) * sizeof(msgpack_object));
    assert(has_memory);
    if (msgpack_unpack(bytes.at, bytes.len, &done, &out->zone, &out->root) == MSGPACK_UNPACK_SUCCESS) return OK;
    unpack_close(out);
    return ERR_MALFORMED;
}

void unpack_close(struct unpacked *unpacked)
{
    msgpack_zone_destroy(&unpacked->zone);
}

struct str unpack_raw(const msgpack_object *key, const char *end)
{
    const char *at = key->via.str.ptr + key->via.str.size;
    struct str rest = { at, (size_t)(end - at) };
    size_t values = 0;
    bool sane = walk_value(&rest, WIRE_MAX_DEPTH, &values);

    assert(sane); /* unpack_open has walked here before */
    return (struct str){ at, (size_t)(rest.at - at) };
}

static enum err read_int(const struct wire_field *f, const msgpack_object *o, struct reader *r, int64_t *out)
{
    if (o->type == MSGPACK_OBJECT_POSITIVE_INTEGER && o->via.u64 <= INT64_MAX)
        *out = (int64_t)o->via.u64;
    else if (o->type == MSGPACK_OBJECT_NEGATIVE_INTEGER)
        *out = o->via.i64;
    else
        return refuse_kind(f, r->why);
    return check_int(f, *out, r->why);
}

static enum err read_id(const struct wire_field *f, const msgpack_object *o, struct reader *r, struct id *out)
{
    if (o->type != MSGPACK_OBJECT_BIN || o->via.bin.size != sizeof out->b) return refuse_kind(f, r->why);
    memcpy(out->b, o->via.bin.ptr, sizeof out->b);
    return check_id(f, *out, r->why);
}

static enum err read_text(const struct wire_field *f, const msgpack_object *o, struct reader *r, struct str *out)
{
    if (o->type != MSGPACK_OBJECT_STR) return refuse_kind(f, r->why);
    *out = view(o->via.str);
    return check_text(f, *out, r->why);
}

static enum err read_bytes(const struct wire_field *f, const msgpack_object *o, struct reader *r, struct str *out)
{
    if (o->type != MSGPACK_OBJECT_BIN) return refuse_kind(f, r->why);
    *out = (struct str){ o->via.bin.ptr, o->via.bin.size };
    return check_bytes(f, out->len, r->why);
}

static enum err read_bool(const struct wire_field *f, const msgpack_object *o, struct reader *r, bool *out)
{
    if (o->type != MSGPACK_OBJECT_BOOLEAN) return refuse_kind(f, r->why);
    *out = o->via.boolean;
    return OK;
}

static enum err read_any(const struct wire_field *f, const msgpack_object_kv *kv, struct reader *r, struct str *out)
{
    *out = unpack_raw(&kv->key, r->end);
    TRY(check_any_size(f, *out, r->why));
    return check_any(f, &kv->val, r->why);
}

/* Room for a list of a length that came from outside.  NULL: it would be over what the request may have. */
static void *alloc_list(const struct wire_field *f, size_t len, size_t size, struct reader *r)
{
    if (arena_fits(r->arena, len * size)) return arena_zero(r->arena, len * size);
    refuse_memory(f, r->why);
    return NULL;
}

static enum err read_texts(
    const struct wire_field *f, msgpack_object_array from, struct reader *r, struct str_list *out)
{
    out->at = alloc_list(f, from.size, sizeof *out->at, r);
    if (out->at == NULL) return ERR_TOO_LARGE;
    for (out->len = 0; out->len < from.size; out->len++) {
        const msgpack_object *o = &from.ptr[out->len];
        if (o->type != MSGPACK_OBJECT_STR) return refuse_kind(f, r->why);
        out->at[out->len] = view(o->via.str);
        TRY(check_item(f, out->len, view(o->via.str), r->why));
    }
    return OK;
}

static enum err read_ids(const struct wire_field *f, msgpack_object_array from, struct reader *r, struct id_list *out)
{
    out->at = alloc_list(f, from.size, sizeof *out->at, r);
    if (out->at == NULL) return ERR_TOO_LARGE;
    for (out->len = 0; out->len < from.size; out->len++) TRY(read_id(f, &from.ptr[out->len], r, &out->at[out->len]));
    return OK;
}

/* Every `struct rec_list` has this layout. */
struct any_list {
    void *at;
    size_t len;
};

static enum err read_list(const struct wire_field *f, msgpack_object_array from, struct reader *r, struct any_list *out)
{
    const struct wire_shape *shape = f->of();

    out->at = alloc_list(f, from.size, shape->size, r);
    if (out->at == NULL) return ERR_TOO_LARGE;
    out->len = from.size;
    for (size_t i = 0; i < out->len; i++) {
        enum err e = unpack_record(shape, &from.ptr[i], r->end, r->arena, (char *)out->at + i * shape->size, r->why);
        if (e != OK) return refuse_within(f, (long)i, e, r->why);
    }
    return OK;
}

static enum err read_many(const struct wire_field *f, const msgpack_object_kv *kv, struct reader *r, void *out)
{
    const msgpack_object *o = &kv->val;

    if (o->type != MSGPACK_OBJECT_ARRAY) return refuse_kind(f, r->why);
    TRY(check_count(f, o->via.array.size, r->why));
    if (f->total > 0) TRY(check_total(f, unpack_raw(&kv->key, r->end).len, r->why));
    if (o->via.array.size == 0) return OK;
    if (f->kind == WIRE_TEXTS) return read_texts(f, o->via.array, r, out);
    if (f->kind == WIRE_IDS) return read_ids(f, o->via.array, r, out);
    return read_list(f, o->via.array, r, out);
}

static enum err read_value(const struct wire_field *f, const msgpack_object_kv *kv, struct reader *r, void *out)
{
    switch (f->kind) {
    case WIRE_INT:
    case WIRE_TIME: return read_int(f, &kv->val, r, out);
    case WIRE_BOOL: return read_bool(f, &kv->val, r, out);
    case WIRE_TEXT: return read_text(f, &kv->val, r, out);
    case WIRE_BYTES: return read_bytes(f, &kv->val, r, out);
    case WIRE_ID: return read_id(f, &kv->val, r, out);
    case WIRE_ANY: return read_any(f, kv, r, out);
    case WIRE_TEXTS:
    case WIRE_IDS:
    case WIRE_LIST: break;
    }
    return read_many(f, kv, r, out);
}

const struct wire_field *unpack_find(
    const struct wire_shape *shape, const struct wire_field *near, const msgpack_object *key)
{
    if (key->type != MSGPACK_OBJECT_STR) return NULL;
    struct str name = view(key->via.str);
    return near->name != NULL && str_is(name, near->name) ? near : wire_find(shape, name);
}

enum err unpack_record(const struct wire_shape *shape, const msgpack_object *from, const char *end, struct arena *arena,
    void *out, struct wire_error *why)
{
    struct reader r = { arena, end, why };
    const struct wire_field *near = shape->fields;
    uint64_t seen = 0;

    if (from->type != MSGPACK_OBJECT_MAP)
        return wire_refuse(why, ERR_INVALID_ARGUMENT, NULL, "want an object: %s", shape->name);
    for (uint32_t i = 0; i < from->via.map.size; i++) {
        const msgpack_object_kv *kv = &from->via.map.ptr[i];
        const struct wire_field *f = unpack_find(shape, near, &kv->key);
        if (f == NULL) continue;
        uint64_t bit = UINT64_C(1) << (f - shape->fields);
        if (seen & bit) return refuse_field(f, "is given twice", why);
        seen |= bit;
        near = f + 1;
        TRY(read_value(f, kv, &r, (char *)out + f->at));
    }
    for (const struct wire_field *f = shape->fields; f->name != NULL; f++)
        if ((seen & UINT64_C(1) << (f - shape->fields)) == 0) TRY(check_absent(f, (char *)out + f->at, why));
    return OK;
}

enum err wire_decode(
    const struct wire_shape *shape, struct str bytes, struct arena *arena, void *out, struct wire_error *why)
{
    struct unpacked in;

    memset(out, 0, shape->size);
    enum err e = unpack_open(bytes, &in);
    if (e == ERR_TOO_LARGE) return wire_refuse(why, e, NULL, "more than %u values", WIRE_MAX_VALUES);
    if (e != OK) return wire_refuse(why, e, NULL, "not msgpack, or nested too deeply");
    e = unpack_record(shape, &in.root, bytes.at + bytes.len, arena, out, why);
    unpack_close(&in);
    return e;
}
