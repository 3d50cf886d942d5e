/* json_msgpack.c - any JSON value as msgpack. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/wire/json_msgpack.h"

#include <string.h>

#include "libshared/wire/pack.h"

struct packing {
    struct json_in *in;
    struct buf *out;
    msgpack_packer pk;
    const struct str *parts;
    unsigned n_parts;
};

/* What an object says about being a placeholder. */
struct placeholder {
    bool marked;
    int64_t num; /* -1: says nothing */
};

static bool pack_value(struct packing *p);

/* The head of what was written behind `from`, where one byte was left for it, now that its size is known. */
static void put_head(struct buf *out, size_t from, uint8_t fixed, uint8_t lead16, size_t n)
{
    unsigned width = n <= 15 ? 0 : n <= UINT16_MAX ? 2 : 4;

    if (!buf_reserve(out, width)) return;
    char *at = out->at + from;
    if (width > 0) memmove(at + 1 + width, at + 1, out->len - from - 1);
    out->len += width;
    at[0] = (char)(width == 0 ? fixed | n : width == 2 ? lead16 : lead16 + 1u);
    for (unsigned i = 0; i < width; i++) at[1 + i] = (char)(n >> 8 * (width - 1 - i));
}

static bool pack_array(struct packing *p)
{
    size_t from = p->out->len, n = 0;
    struct json_open array;

    if (!json_open_array(p->in, &array)) return false;
    buf_add_char(p->out, 0);
    for (; json_next_item(p->in, &array); n++)
        if (!pack_value(p)) return false;
    put_head(p->out, from, 0x90, 0xdc, n);
    return p->in->verdict != JSON_MALFORMED;
}

static bool pack_member(struct packing *p, struct str key, struct placeholder *said)
{
    bool is_mark = p->n_parts > 0 && str_is(key, "_placeholder"), is_num = p->n_parts > 0 && str_is(key, "num");

    pack_text(&p->pk, key);
    json_peek(p->in);
    const char *from = p->in->at;
    if (!pack_value(p)) return false;
    struct str raw = { from, (size_t)(p->in->at - from) };
    if (is_mark) said->marked = str_is(raw, "true");
    if (is_num && !str_to_int(raw, &said->num)) said->num = -1;
    return true;
}

static bool put_part(struct packing *p, size_t from, const struct placeholder *said)
{
    if (said->num < 0 || said->num >= p->n_parts) return false;
    p->out->len = from;
    pack_bytes(&p->pk, p->parts[said->num]);
    return true;
}

static bool pack_object(struct packing *p)
{
    size_t from = p->out->len, n = 0;
    struct placeholder said = { .num = -1 };
    struct json_open object;
    struct str key;

    if (!json_open_object(p->in, &object)) return false;
    buf_add_char(p->out, 0);
    for (; json_next_key(p->in, &object, &key); n++)
        if (!pack_member(p, key, &said)) return false;
    if (p->in->verdict == JSON_MALFORMED) return false;
    if (said.marked) return put_part(p, from, &said);
    put_head(p->out, from, 0x80, 0xde, n);
    return true;
}

static bool pack_number(struct packing *p)
{
    struct json_number number;

    if (!json_number(p->in, &number)) return false;
    if (!number.whole)
        msgpack_pack_double(&p->pk, number.real);
    else if (number.negative)
        msgpack_pack_int64(&p->pk, (int64_t)-number.magnitude);
    else
        msgpack_pack_uint64(&p->pk, number.magnitude);
    return true;
}

static bool pack_string(struct packing *p)
{
    struct str text;

    if (!json_text(p->in, &text)) return false;
    pack_text(&p->pk, text);
    return true;
}

static bool pack_word(struct packing *p, struct str word, uint8_t lead)
{
    buf_add_char(p->out, (char)lead);
    return json_word(p->in, word);
}

static bool pack_value(struct packing *p)
{
    switch (json_peek(p->in)) {
    case '{': return pack_object(p);
    case '[': return pack_array(p);
    case '"': return pack_string(p);
    case 't': return pack_word(p, STR("true"), 0xc3);
    case 'f': return pack_word(p, STR("false"), 0xc2);
    case 'n': return pack_word(p, STR("null"), 0xc0);
    default: return pack_number(p);
    }
}

bool json_to_msgpack(struct json_in *in, struct buf *out, const struct str *parts, unsigned n)
{
    struct packing p = { in, out, pack_into(out), parts, n };

    return pack_value(&p);
}

size_t json_msgpack_bound(size_t bytes)
{
    return 4 * bytes + 64; /* "-0," becomes nine bytes */
}
