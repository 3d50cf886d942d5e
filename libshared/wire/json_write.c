/* json_write.c - records and msgpack to JSON text. */
// SPDX-License-Identifier: Apache-2.0
#include <math.h>
#include <string.h>

#include "libshared/wire/check.h"
#include "libshared/wire/json_text.h"
#include "libshared/wire/unpack.h"

/* --- a msgpack value, as it is --- */

static enum err put_any(const msgpack_object *o, struct buf *out);

static enum err put_text(struct str s, struct buf *out)
{
    if (!is_text(s)) return ERR_INVALID_ARGUMENT;
    json_put_text(out, s);
    return OK;
}

static enum err put_any_text(const msgpack_object *o, struct buf *out)
{
    if (o->type != MSGPACK_OBJECT_STR) return ERR_INVALID_ARGUMENT;
    return put_text((struct str){ o->via.str.ptr, o->via.str.size }, out);
}

static enum err put_any_real(double r, struct buf *out)
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
        TRY(put_any_text(&m.ptr[i].key, out));
        buf_add_char(out, ':');
        TRY(put_any(&m.ptr[i].val, out));
    }
    buf_add_char(out, '}');
    return OK;
}

static void put_bool(bool yes, struct buf *out)
{
    buf_add_str(out, yes ? STR("true") : STR("false"));
}

static enum err put_any(const msgpack_object *o, struct buf *out)
{
    switch (o->type) {
    case MSGPACK_OBJECT_NIL: buf_add(out, "null", 4); return OK;
    case MSGPACK_OBJECT_BOOLEAN: put_bool(o->via.boolean, out); return OK;
    case MSGPACK_OBJECT_POSITIVE_INTEGER: json_put_uint(out, o->via.u64); return OK;
    case MSGPACK_OBJECT_NEGATIVE_INTEGER: json_put_int(out, o->via.i64); return OK;
    case MSGPACK_OBJECT_FLOAT32:
    case MSGPACK_OBJECT_FLOAT64: return put_any_real(o->via.f64, out);
    case MSGPACK_OBJECT_STR: return put_any_text(o, out);
    case MSGPACK_OBJECT_BIN: json_put_base64(out, (struct str){ o->via.bin.ptr, o->via.bin.size }); return OK;
    case MSGPACK_OBJECT_ARRAY: return put_any_array(o->via.array, out);
    case MSGPACK_OBJECT_MAP: return put_any_map(o->via.map, out);
    case MSGPACK_OBJECT_EXT: break;
    }
    return ERR_INVALID_ARGUMENT;
}

/* Nothing half-written stays. */
static enum err settle_output(enum err e, size_t before, struct buf *out)
{
    if (e == OK && out->over) e = ERR_TOO_LARGE;
    if (e != OK) out->len = before;
    return e;
}

#define TEXT_HEAD 6 /* of an extension with a length of 32 bits: lead, length, type */

void wire_any_of_text(struct str json, struct buf *out)
{
    const char head[TEXT_HEAD] = { (char)0xc9, (char)(json.len >> 24), (char)(json.len >> 16), (char)(json.len >> 8),
        (char)json.len, WIRE_ANY_TEXT };

    buf_add(out, head, sizeof head);
    buf_add_str(out, json);
}

struct str wire_any_text(struct str any)
{
    bool is_text = any.len > TEXT_HEAD && any.at[0] == (char)0xc9 && any.at[TEXT_HEAD - 1] == WIRE_ANY_TEXT;

    return is_text ? str_skip(any, TEXT_HEAD) : STR_NONE;
}

enum err wire_any_to_json(struct str bytes, struct buf *out)
{
    struct unpacked in;
    size_t before = out->len;
    struct str text = wire_any_text(bytes);

    if (text.at != NULL) {
        buf_add_str(out, text);
        return settle_output(OK, before, out);
    }
    TRY(unpack_open(bytes, &in));
    enum err e = put_any(&in.root, out);
    unpack_close(&in);
    return settle_output(e, before, out);
}

/* --- a record, by its shape --- */

static enum err put_record(const struct wire_shape *shape, const void *record, struct buf *out);

static enum err put_item(const struct wire_field *f, const struct wire_list *list, size_t i, struct buf *out)
{
    if (f->kind == WIRE_TEXTS) return put_text(((const struct str *)(const void *)list->at)[i], out);
    if (f->kind == WIRE_LIST) return put_record(f->of(), list->at + i * f->of()->size, out);
    json_put_id(out, ((const struct id *)(const void *)list->at)[i]);
    return OK;
}

static enum err put_list(const struct wire_field *f, const struct wire_list *list, struct buf *out)
{
    buf_add_char(out, '[');
    for (size_t i = 0; i < list->len; i++) {
        if (i > 0) buf_add_char(out, ',');
        TRY(put_item(f, list, i, out));
    }
    buf_add_char(out, ']');
    return OK;
}

static enum err put_one(const struct wire_field *f, const void *record, struct buf *out)
{
    return record == NULL ? ERR_INVALID_ARGUMENT : put_record(f->of(), record, out);
}

static enum err put_value(const struct wire_field *f, const void *at, struct buf *out)
{
    switch (f->kind) {
    case WIRE_INT:
    case WIRE_TIME: json_put_int(out, *(const int64_t *)at); return OK;
    case WIRE_BOOL: put_bool(*(const bool *)at, out); return OK;
    case WIRE_TEXT: return put_text(*(const struct str *)at, out);
    case WIRE_BYTES: json_put_base64(out, *(const struct str *)at); return OK;
    case WIRE_ID: json_put_id(out, *(const struct id *)at); return OK;
    case WIRE_ANY: return wire_any_to_json(*(const struct str *)at, out);
    case WIRE_ONE: return put_one(f, *(const void *const *)at, out);
    case WIRE_TEXTS:
    case WIRE_IDS:
    case WIRE_LIST: break;
    }
    return put_list(f, at, out);
}

static void put_key(char before, struct str name, struct buf *out)
{
    char *to = buf_place(out, name.len + 4);

    if (to == NULL) return;
    to[0] = before;
    to[1] = '"';
    memcpy(to + 2, name.at, name.len);
    to[name.len + 2] = '"';
    to[name.len + 3] = ':';
}

static enum err put_record(const struct wire_shape *shape, const void *record, struct buf *out)
{
    char before = '{';

    for (const struct wire_field *f = shape->fields; f->name != NULL; f++) {
        const void *at = (const char *)record + f->at;
        if (field_is_absent(f, at)) continue;
        put_key(before, field_name(f), out);
        TRY(put_value(f, at, out));
        before = ',';
    }
    buf_add_str(out, before == '{' ? STR("{}") : STR("}"));
    return OK;
}

enum err wire_write_json(const struct wire_shape *shape, const void *record, struct buf *out)
{
    size_t before = out->len;

    return settle_output(put_record(shape, record, out), before, out);
}

enum err wire_to_json(const struct wire_shape *shape, struct str bytes, struct buf *out)
{
    /* bound: one message between processes; the decoder asks arena_fits() for lists */
    struct arena *arena = arena_create("json", WIRE_JSON_ARENA_MAX);
    void *record = arena_zero(arena, shape->size + 1); /* `nothing` has no size */
    struct wire_error why;
    enum err e = wire_decode(shape, bytes, arena, record, &why);

    if (e == OK) e = wire_write_json(shape, record, out);
    arena_destroy(&arena);
    return e;
}
