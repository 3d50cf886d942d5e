/* json_write.c - msgpack to JSON text, by shape or as it is. */
// SPDX-License-Identifier: Apache-2.0
#include <math.h>
#include <string.h>

#include "libshared/wire/check.h"
#include "libshared/wire/json_text.h"
#include "libshared/wire/unpack.h"

static enum err put_any(const msgpack_object *o, struct buf *out);
static enum err put_record(const struct wire_shape *shape, const msgpack_object *o, struct buf *out);

static enum err put_text(const msgpack_object *o, struct buf *out)
{
    struct str s = { o->via.str.ptr, o->via.str.size };

    if (o->type != MSGPACK_OBJECT_STR || !is_text(s)) return ERR_INVALID_ARGUMENT;
    json_put_text(out, s);
    return OK;
}

static enum err put_real(double r, struct buf *out)
{
    if (!isfinite(r)) return ERR_INVALID_ARGUMENT;
    json_put_real(out, r);
    return OK;
}

static enum err put_any_array(msgpack_object_array a, struct buf *out)
{
    buf_add_char(out, '[');
    for (uint32_t i = 0; i < a.size; i++) {
        if (i > 0) buf_add_char(out, ',');
        TRY(put_any(&a.ptr[i], out));
    }
    buf_add_char(out, ']');
    return OK;
}

static enum err put_any_map(msgpack_object_map m, struct buf *out)
{
    buf_add_char(out, '{');
    for (uint32_t i = 0; i < m.size; i++) {
        if (i > 0) buf_add_char(out, ',');
        TRY(put_text(&m.ptr[i].key, out));
        buf_add_char(out, ':');
        TRY(put_any(&m.ptr[i].val, out));
    }
    buf_add_char(out, '}');
    return OK;
}

static enum err put_any(const msgpack_object *o, struct buf *out)
{
    switch (o->type) {
    case MSGPACK_OBJECT_NIL: buf_add(out, "null", 4); return OK;
    case MSGPACK_OBJECT_BOOLEAN: buf_add_str(out, o->via.boolean ? STR("true") : STR("false")); return OK;
    case MSGPACK_OBJECT_POSITIVE_INTEGER: json_put_uint(out, o->via.u64); return OK;
    case MSGPACK_OBJECT_NEGATIVE_INTEGER: json_put_int(out, o->via.i64); return OK;
    case MSGPACK_OBJECT_FLOAT32:
    case MSGPACK_OBJECT_FLOAT64: return put_real(o->via.f64, out);
    case MSGPACK_OBJECT_STR: return put_text(o, out);
    case MSGPACK_OBJECT_BIN: json_put_base64(out, (struct str){ o->via.bin.ptr, o->via.bin.size }); return OK;
    case MSGPACK_OBJECT_ARRAY: return put_any_array(o->via.array, out);
    case MSGPACK_OBJECT_MAP: return put_any_map(o->via.map, out);
    case MSGPACK_OBJECT_EXT: break;
    }
    return ERR_INVALID_ARGUMENT;
}

static enum err put_int(const msgpack_object *o, struct buf *out)
{
    bool is_int = o->type == MSGPACK_OBJECT_POSITIVE_INTEGER || o->type == MSGPACK_OBJECT_NEGATIVE_INTEGER;

    return is_int ? put_any(o, out) : ERR_INVALID_ARGUMENT;
}

static enum err put_id(const msgpack_object *o, struct buf *out)
{
    struct id id;

    if (o->type != MSGPACK_OBJECT_BIN || o->via.bin.size != sizeof id.b) return ERR_INVALID_ARGUMENT;
    memcpy(id.b, o->via.bin.ptr, sizeof id.b);
    json_put_id(out, id);
    return OK;
}

static enum err put_item(const struct wire_field *f, const msgpack_object *o, struct buf *out)
{
    if (f->kind == WIRE_TEXTS) return put_text(o, out);
    if (f->kind == WIRE_IDS) return put_id(o, out);
    return put_record(f->of(), o, out);
}

static enum err put_list(const struct wire_field *f, const msgpack_object *o, struct buf *out)
{
    if (o->type != MSGPACK_OBJECT_ARRAY) return ERR_INVALID_ARGUMENT;
    buf_add_char(out, '[');
    for (uint32_t i = 0; i < o->via.array.size; i++) {
        if (i > 0) buf_add_char(out, ',');
        TRY(put_item(f, &o->via.array.ptr[i], out));
    }
    buf_add_char(out, ']');
    return OK;
}

static enum err put_value(const struct wire_field *f, const msgpack_object *o, struct buf *out)
{
    switch (f->kind) {
    case WIRE_INT:
    case WIRE_TIME: return put_int(o, out);
    case WIRE_BOOL: return o->type == MSGPACK_OBJECT_BOOLEAN ? put_any(o, out) : ERR_INVALID_ARGUMENT;
    case WIRE_TEXT: return put_text(o, out);
    case WIRE_BYTES: return o->type == MSGPACK_OBJECT_BIN ? put_any(o, out) : ERR_INVALID_ARGUMENT;
    case WIRE_ID: return put_id(o, out);
    case WIRE_ANY: return put_any(o, out);
    case WIRE_TEXTS:
    case WIRE_IDS:
    case WIRE_LIST: break;
    }
    return put_list(f, o, out);
}

/* Sort the values of a map into the shape's order. */
static void sort_values(const struct wire_shape *shape, msgpack_object_map map, const msgpack_object *values[])
{
    const struct wire_field *near = shape->fields;

    for (uint32_t i = 0; i < map.size; i++) {
        const struct wire_field *f = unpack_find(shape, near, &map.ptr[i].key);
        if (f == NULL) continue;
        values[f - shape->fields] = &map.ptr[i].val;
        near = f + 1;
    }
}

static enum err put_record(const struct wire_shape *shape, const msgpack_object *o, struct buf *out)
{
    const msgpack_object *values[WIRE_MAX_FIELDS] = { NULL };
    char before = '{';

    if (o->type != MSGPACK_OBJECT_MAP) return ERR_INVALID_ARGUMENT;
    sort_values(shape, o->via.map, values);
    for (const struct wire_field *f = shape->fields; f->name != NULL; f++) {
        const msgpack_object *value = values[f - shape->fields];
        if (value == NULL && f->required) return ERR_INVALID_ARGUMENT;
        if (value == NULL) continue;
        buf_add(out, (char[]){ before, '"' }, 2);
        buf_add_str(out, str_of(f->name));
        buf_add(out, "\":", 2);
        TRY(put_value(f, value, out));
        before = ',';
    }
    buf_add_str(out, before == '{' ? STR("{}") : STR("}"));
    return OK;
}

/* With a shape or, if it is NULL, without. */
static enum err put_all(const struct wire_shape *shape, struct str bytes, struct buf *out)
{
    struct unpacked in;
    size_t before = out->len;

    TRY(unpack_open(bytes, &in));
    enum err e = shape == NULL ? put_any(&in.root, out) : put_record(shape, &in.root, out);
    unpack_close(&in);
    if (e == OK && out->over) e = ERR_TOO_LARGE;
    if (e != OK) out->len = before;
    return e;
}

enum err wire_to_json(const struct wire_shape *shape, struct str bytes, struct buf *out)
{
    return put_all(shape, bytes, out);
}

enum err wire_any_to_json(struct str bytes, struct buf *out)
{
    return put_all(NULL, bytes, out);
}
