/* sample.c - see sample.h. */
// SPDX-License-Identifier: Apache-2.0

#include "tests/contract/sample.h"

bool sample_has(const struct wire_field *f, enum twist t)
{
    bool many = f->kind == WIRE_TEXTS || f->kind == WIRE_IDS || f->kind == WIRE_LIST;
    bool sized = f->kind == WIRE_INT || f->kind == WIRE_TIME || f->kind == WIRE_TEXT || f->kind == WIRE_BYTES;

    switch (t) {
    case BELOW: return sized ? f->kind == WIRE_INT || f->kind == WIRE_TIME || f->min > 0 : f->kind == WIRE_ID;
    case LEAST: return sized || many;
    case MOST: return sized || many || f->kind == WIRE_ANY;
    case ABOVE: return sized || many || f->kind == WIRE_ANY || f->kind == WIRE_ID;
    case ITEM_MOST:
    case ITEM_ABOVE: return f->kind == WIRE_TEXTS;
    case WRONG_KIND: return f->kind != WIRE_ANY;
    case AS_IT_IS:
    case LEFT_OUT:
    case TWICE: break;
    }
    return true;
}

/* Of what is bounded by min and max: the amount for this twist. */
static int64_t sample_amount(const struct wire_field *f, enum twist t)
{
    switch ((int)t) {
    case LEAST: return f->min;
    case BELOW: return f->min - 1;
    case MOST: return f->max;
    case ABOVE: return f->max + 1;
    default: return f->min > 0 ? f->min : f->max > 0 ? 1 : 0;
    }
}

/* Two bytes each, so that a bound in bytes would be noticed. */
static void sample_put_chars(msgpack_packer *pk, int64_t n)
{
    msgpack_pack_str(pk, 2 * (size_t)n);
    for (int64_t i = 0; i < n; i++) msgpack_pack_str_body(pk, "\xC3\xA9", 2);
}

static void sample_put_int(msgpack_packer *pk, const struct wire_field *f, enum twist t)
{
    if (t == ABOVE && f->max == INT64_MAX)
        msgpack_pack_uint64(pk, (uint64_t)INT64_MAX + 1);
    else
        msgpack_pack_int64(pk, sample_amount(f, t));
}

static void sample_put_bytes(msgpack_packer *pk, size_t n)
{
    msgpack_pack_bin(pk, n);
    for (size_t i = 0; i < n; i++) msgpack_pack_bin_body(pk, "\xFE", 1);
}

static void sample_put_id(msgpack_packer *pk, enum twist t)
{
    msgpack_pack_bin(pk, t == ABOVE ? 17 : 16);
    msgpack_pack_bin_body(pk, t == BELOW ? "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0" : "\1\2\3\4\5\6\7\10\1\2\3\4\5\6\7\10\1",
        t == ABOVE ? 17 : 16);
}

/* One text that takes the whole bound, its head included; or a small tree. */
static void sample_put_any(msgpack_packer *pk, const struct wire_field *f, enum twist t)
{
    size_t size = (size_t)f->max + (t == ABOVE), head = size > 65538 ? 5 : 3;

    if (t == MOST || t == ABOVE) {
        msgpack_pack_str(pk, size - head);
        for (size_t i = 0; i < size - head; i++) msgpack_pack_str_body(pk, "x", 1);
        return;
    }
    msgpack_pack_map(pk, 2);
    pack_text(pk, STR("list"));
    msgpack_pack_array(pk, 3);
    msgpack_pack_nil(pk);
    msgpack_pack_double(pk, 0.1);
    msgpack_pack_int(pk, -5);
    pack_text(pk, STR("text"));
    pack_text(pk, STR("\"\\\x1e\n\xF0\x9F\x98\x80"));
}

static void sample_put_list(msgpack_packer *pk, const struct wire_field *f, enum twist t, struct buf *out)
{
    bool item = t == ITEM_MOST || t == ITEM_ABOVE;
    int64_t n = item ? 1 : t == LEAST ? 0 : sample_amount(f, t);

    msgpack_pack_array(pk, (size_t)n);
    for (int64_t i = 0; i < n; i++) {
        if (f->kind == WIRE_TEXTS)
            sample_put_chars(pk, item ? f->item_max + (t == ITEM_ABOVE) : 1);
        else if (f->kind == WIRE_IDS)
            sample_put_id(pk, AS_IT_IS);
        else
            sample_put_record(f->of(), NULL, AS_IT_IS, out);
    }
}

static void sample_put_value(msgpack_packer *pk, const struct wire_field *f, enum twist t, struct buf *out)
{
    if (t == WRONG_KIND) {
        msgpack_pack_nil(pk);
        return;
    }
    switch (f->kind) {
    case WIRE_INT:
    case WIRE_TIME: sample_put_int(pk, f, t); break;
    case WIRE_BOOL: msgpack_pack_true(pk); break;
    case WIRE_TEXT: sample_put_chars(pk, sample_amount(f, t)); break;
    case WIRE_BYTES: sample_put_bytes(pk, (size_t)sample_amount(f, t)); break;
    case WIRE_ID: sample_put_id(pk, t); break;
    case WIRE_ANY: sample_put_any(pk, f, t); break;
    case WIRE_TEXTS:
    case WIRE_IDS:
    case WIRE_LIST: sample_put_list(pk, f, t, out); break;
    case WIRE_ONE: sample_put_record(f->of(), NULL, AS_IT_IS, out); break;
    }
}

void sample_put_record(const struct wire_shape *s, const struct wire_field *odd, enum twist t, struct buf *out)
{
    msgpack_packer pk = pack_into(out);
    size_t n = 0;

    for (const struct wire_field *f = s->fields; f->name != NULL; f++)
        n += f != odd ? 1 : t == LEFT_OUT ? 0 : t == TWICE ? 2 : 1;
    msgpack_pack_map(&pk, n);
    for (const struct wire_field *f = s->fields; f->name != NULL; f++) {
        for (int times = f != odd ? 1 : t == LEFT_OUT ? 0 : t == TWICE ? 2 : 1; times > 0; times--) {
            pack_text(&pk, str_of(f->name));
            sample_put_value(&pk, f, f == odd ? t : AS_IT_IS, out);
        }
    }
}

void sample_put_least(const struct wire_shape *s, struct buf *out)
{
    msgpack_packer pk = pack_into(out);
    size_t n = 0;

    for (const struct wire_field *f = s->fields; f->name != NULL; f++) n += f->required;
    msgpack_pack_map(&pk, n);
    for (const struct wire_field *f = s->fields; f->name != NULL; f++) {
        if (!f->required) continue;
        pack_text(&pk, str_of(f->name));
        sample_put_value(&pk, f, AS_IT_IS, out);
    }
}
