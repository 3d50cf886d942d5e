/* encode.c - records to msgpack. */
// SPDX-License-Identifier: Apache-2.0
#include <string.h>

#include "libshared/base/log.h"
#include "libshared/wire/check.h"
#include "libshared/wire/pack.h"
#include "libshared/wire/walk.h"

struct record_writer {
    msgpack_packer pk;
    struct buf *out;
    struct wire_error *why;
};
static enum err write_record(const struct wire_shape *shape, const void *record, struct record_writer *w);

static enum err write_any(const struct wire_field *f, struct str s, struct record_writer *w)
{
    struct str rest = s;
    size_t values = 0;

    TRY(check_any_size(f, s, w->why));
    if (!walk_value(&rest, WIRE_ANY_DEPTH, &values) || rest.len > 0)
        return refuse_field(f, "is not one msgpack value", w->why);
    buf_add_str(w->out, s);
    return OK;
}

static enum err write_texts(const struct wire_field *f, const struct str_list *list, struct record_writer *w)
{
    for (size_t i = 0; i < list->len; i++) {
        TRY(check_item(f, i, list->at[i], w->why));
        pack_text(&w->pk, list->at[i]);
    }
    return OK;
}

static enum err write_ids(const struct wire_field *f, const struct id_list *list, struct record_writer *w)
{
    for (size_t i = 0; i < list->len; i++) {
        TRY(check_id(f, list->at[i], w->why));
        pack_id(&w->pk, list->at[i]);
    }
    return OK;
}

static enum err write_list(const struct wire_field *f, const struct wire_list *list, struct record_writer *w)
{
    const struct wire_shape *shape = f->of();

    for (size_t i = 0; i < list->len; i++) {
        enum err e = write_record(shape, list->at + i * shape->size, w);
        if (e != OK) return refuse_within(f, (long)i, e, w->why);
    }
    return OK;
}

static enum err write_many(const struct wire_field *f, const void *at, struct record_writer *w)
{
    size_t len = ((const struct wire_list *)at)->len, before = w->out->len;

    TRY(check_count(f, len, w->why));
    msgpack_pack_array(&w->pk, len);
    if (f->kind == WIRE_TEXTS) return write_texts(f, at, w);
    if (f->kind == WIRE_IDS) return write_ids(f, at, w);
    TRY(write_list(f, at, w));
    return check_total(f, w->out->len - before, w->why);
}

static enum err write_int(const struct wire_field *f, int64_t n, struct record_writer *w)
{
    TRY(check_int(f, n, w->why));
    msgpack_pack_int64(&w->pk, n);
    return OK;
}

static enum err write_bytes(const struct wire_field *f, struct str s, struct record_writer *w)
{
    TRY(check_bytes(f, s.len, w->why));
    pack_bytes(&w->pk, s);
    return OK;
}

static enum err write_text(const struct wire_field *f, struct str s, struct record_writer *w)
{
    TRY(check_text(f, s, w->why));
    pack_text(&w->pk, s);
    return OK;
}

static enum err write_id(const struct wire_field *f, struct id id, struct record_writer *w)
{
    TRY(check_id(f, id, w->why));
    pack_id(&w->pk, id);
    return OK;
}

static enum err write_bool(bool yes, struct record_writer *w)
{
    if (yes)
        msgpack_pack_true(&w->pk);
    else
        msgpack_pack_false(&w->pk);
    return OK;
}

static enum err write_one(const struct wire_field *f, const void *record, struct record_writer *w)
{
    if (record == NULL) return refuse_field(f, "is missing", w->why);
    enum err e = write_record(f->of(), record, w);
    return e == OK ? OK : refuse_within(f, -1, e, w->why);
}

static enum err write_value(const struct wire_field *f, const void *at, struct record_writer *w)
{
    switch (f->kind) {
    case WIRE_INT:
    case WIRE_TIME: return write_int(f, *(const int64_t *)at, w);
    case WIRE_BOOL: return write_bool(*(const bool *)at, w);
    case WIRE_TEXT: return write_text(f, *(const struct str *)at, w);
    case WIRE_BYTES: return write_bytes(f, *(const struct str *)at, w);
    case WIRE_ID: return write_id(f, *(const struct id *)at, w);
    case WIRE_ANY: return write_any(f, *(const struct str *)at, w);
    case WIRE_ONE: return write_one(f, *(const void *const *)at, w);
    case WIRE_TEXTS:
    case WIRE_IDS:
    case WIRE_LIST: break;
    }
    return write_many(f, at, w);
}

static enum err write_record(const struct wire_shape *shape, const void *record, struct record_writer *w)
{
    uint64_t given = 0;

    for (const struct wire_field *f = shape->fields; f->name != NULL; f++)
        if (!field_is_absent(f, (const char *)record + f->at)) given |= UINT64_C(1) << (f - shape->fields);

    msgpack_pack_map(&w->pk, (size_t)__builtin_popcountll(given));
    for (const struct wire_field *f = shape->fields; f->name != NULL; f++) {
        if ((given & UINT64_C(1) << (f - shape->fields)) == 0) continue;
        pack_text(&w->pk, field_name(f));
        TRY(write_value(f, (const char *)record + f->at, w));
    }
    return OK;
}

enum err check_list(const struct wire_field *f, const struct wire_list *list, struct wire_error *why)
{
    struct buf bytes = BUF((size_t)f->total);
    struct record_writer w = { pack_into(&bytes), &bytes, why };

    if (f->total == 0) return OK;
    enum err e = write_many(f, list, &w);
    if (bytes.over) e = check_total(f, (size_t)f->total + 1, why);
    buf_free(&bytes);
    return e;
}

enum err wire_encode(const struct wire_shape *shape, const void *record, struct buf *out)
{
    struct wire_error why = { .field = "" };
    struct record_writer w = { pack_into(out), out, &why };
    size_t before = out->len;
    enum err e = write_record(shape, record, &w);

    if (e == OK && !out->over) return OK;
    out->len = before;
    if (e == OK) return ERR_TOO_LARGE;
    LOG_BOUNDED(ERROR, "wire.encode_failed", F_TEXT("record", shape->name), F_TEXT("why", why.text));
    return ERR_INTERNAL;
}
