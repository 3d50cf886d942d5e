/* json_read.c - JSON into records, by their shapes. */
// SPDX-License-Identifier: Apache-2.0
#include <string.h>

#include "libshared/base/base64.h"
#include "libshared/wire/check.h"
#include "libshared/wire/json_msgpack.h"

/* What one record is read with. */
struct json_reader {
    struct json_in *in;
    struct arena *arena;
    struct wire_error *why;
};
static enum err read_record(
    const struct wire_shape *shape, struct wire_given_list given, struct json_reader *r, void *out);

/* The cursor has found fault with the text. */
static enum err refuse_text(const struct json_in *in, struct wire_error *why)
{
    bool is_json = in->verdict == JSON_REFUSED;

    return wire_refuse(
        why, is_json ? ERR_INVALID_ARGUMENT : ERR_MALFORMED, NULL, "the JSON %s, at byte %zu", in->fault, in->fault_at);
}

/* Of another kind: stepped over, so that a text that is not JSON is told from one that is. */
static enum err refuse_value(const struct wire_field *f, struct json_reader *r)
{
    return json_skip(r->in, NULL) ? refuse_kind(f, r->why) : refuse_text(r->in, r->why);
}

/* Until the cursor's next text with escapes; so nothing is copied before its length has been checked. */
static enum err read_text(const struct wire_field *f, struct json_reader *r, struct str *out)
{
    if (json_peek(r->in) != '"') return refuse_value(f, r);
    return json_text(r->in, out) ? OK : refuse_text(r->in, r->why);
}

static enum err keep_text(enum err checked, struct json_reader *r, struct str *text)
{
    if (checked == OK && json_is_decoded(r->in, *text)) *text = arena_str(r->arena, *text);
    return checked;
}

static bool is_number(char first)
{
    return first == '-' || (first >= '0' && first <= '9');
}

static enum err read_int(const struct wire_field *f, struct json_reader *r, int64_t *out)
{
    struct json_number n;

    if (!is_number(json_peek(r->in))) return refuse_value(f, r);
    if (!json_number(r->in, &n)) return refuse_text(r->in, r->why);
    if (!n.whole || (!n.negative && n.magnitude > INT64_MAX)) return refuse_kind(f, r->why);
    *out = n.negative ? (int64_t)-n.magnitude : (int64_t)n.magnitude;
    return check_int(f, *out, r->why);
}

static enum err read_bool(const struct wire_field *f, struct json_reader *r, bool *out)
{
    char first = json_peek(r->in);

    if (first != 't' && first != 'f') return refuse_value(f, r);
    *out = first == 't';
    return json_word(r->in, *out ? STR("true") : STR("false")) ? OK : refuse_text(r->in, r->why);
}

static enum err read_id(const struct wire_field *f, struct json_reader *r, struct id *out)
{
    struct str text;

    TRY(read_text(f, r, &text));
    if (!id_parse(text, out)) return refuse_kind(f, r->why);
    return check_id(f, *out, r->why);
}

static enum err read_base64(const struct wire_field *f, struct json_reader *r, struct str *out)
{
    struct str text;
    size_t len = 0;

    TRY(read_text(f, r, &text));
    if (text.len > 4 * ((size_t)f->max / 3 + 1)) return check_bytes(f, (size_t)f->max + 1, r->why);
    uint8_t *bytes = arena_alloc(r->arena, text.len + 3);
    if (!base64_decode(text, bytes, &len)) return refuse_field(f, "is not base64", r->why);
    *out = (struct str){ (char *)bytes, len };
    return check_bytes(f, len, r->why);
}

/* As msgpack, like every ANY. */
static enum err read_any(const struct wire_field *f, struct json_reader *r, struct str *out)
{
    struct buf bytes = BUF((size_t)f->max);
    struct json_in value;
    struct str raw;
    enum err e = OK;

    if (!json_skip(r->in, &raw)) return refuse_text(r->in, r->why);
    json_begin(&value, raw, WIRE_ANY_DEPTH);
    json_to_msgpack(&value, &bytes, NULL, 0);
    if (json_end(&value) == JSON_MALFORMED)
        e = refuse_field(f, value.fault, r->why); /* the text is JSON: it is its depth */
    else if (bytes.over)
        e = check_any_size(f, (struct str){ raw.at, (size_t)f->max + 1 }, r->why);
    else
        *out = arena_str(r->arena, buf_str(&bytes));
    buf_free(&bytes);
    return e;
}

static enum err read_item(const struct wire_field *f, size_t i, struct json_reader *r, void *out)
{
    if (f->kind == WIRE_IDS) return read_id(f, r, out);
    if (f->kind == WIRE_TEXTS) {
        TRY(read_text(f, r, out));
        return keep_text(check_item(f, i, *(struct str *)out, r->why), r, out);
    }
    enum err e = read_record(f->of(), (struct wire_given_list){ 0 }, r, out);
    return e == OK || e == ERR_MALFORMED ? e : refuse_within(f, (long)i, e, r->why);
}

/* Room for one more: twice as much each time. */
static enum err grow_list(
    const struct wire_field *f, struct json_reader *r, struct wire_list *list, size_t *cap, size_t size)
{
    void *old = list->at;

    TRY(check_count(f, list->len + 1, r->why));
    if (list->len < *cap) return OK;
    *cap = *cap == 0 ? 4 : 2 * *cap;
    if (!arena_fits(r->arena, *cap * size)) return refuse_memory(f, r->why);
    list->at = arena_zero(r->arena, *cap * size);
    if (list->len > 0) memcpy(list->at, old, list->len * size);
    return OK;
}

static enum err read_list(const struct wire_field *f, struct json_reader *r, struct wire_list *out)
{
    struct json_open array;
    size_t cap = 0, size = field_item_size(f);

    if (json_peek(r->in) != '[') return refuse_value(f, r);
    if (!json_open_array(r->in, &array)) return refuse_text(r->in, r->why);
    while (json_next_item(r->in, &array)) {
        TRY(grow_list(f, r, out, &cap, size));
        TRY(read_item(f, out->len, r, out->at + out->len * size));
        out->len++;
    }
    if (r->in->verdict == JSON_MALFORMED) return refuse_text(r->in, r->why);
    return check_list(f, out, r->why);
}

static enum err read_one(const struct wire_field *f, struct json_reader *r, void **out)
{
    size_t size = f->of()->size;

    if (json_peek(r->in) != '{') return refuse_value(f, r);
    if (!arena_fits(r->arena, size)) return refuse_memory(f, r->why);
    *out = arena_alloc(r->arena, size);
    enum err e = read_record(f->of(), (struct wire_given_list){ 0 }, r, *out);
    return e == OK || e == ERR_MALFORMED ? e : refuse_within(f, -1, e, r->why);
}

static enum err read_value(const struct wire_field *f, struct json_reader *r, void *out)
{
    switch (f->kind) {
    case WIRE_INT:
    case WIRE_TIME: return read_int(f, r, out);
    case WIRE_BOOL: return read_bool(f, r, out);
    case WIRE_TEXT: TRY(read_text(f, r, out)); return keep_text(check_text(f, *(struct str *)out, r->why), r, out);
    case WIRE_BYTES: return read_base64(f, r, out);
    case WIRE_ID: return read_id(f, r, out);
    case WIRE_ANY: return read_any(f, r, out);
    case WIRE_ONE: return read_one(f, r, out);
    case WIRE_TEXTS:
    case WIRE_IDS:
    case WIRE_LIST: break;
    }
    return read_list(f, r, out);
}

/* --- values that stand beside the JSON --- */

static enum err read_given_text(const struct wire_field *f, struct str text, struct json_reader *r, struct str *out)
{
    TRY(check_text(f, text, r->why));
    *out = arena_str(r->arena, text);
    return OK;
}

static enum err read_given_int(const struct wire_field *f, struct str text, struct json_reader *r, int64_t *out)
{
    return str_to_int(text, out) ? check_int(f, *out, r->why) : refuse_kind(f, r->why);
}

static enum err read_given_bool(const struct wire_field *f, struct str text, struct json_reader *r, bool *out)
{
    *out = str_is(text, "true") || str_is(text, "1");
    return *out || str_is(text, "false") || str_is(text, "0") ? OK : refuse_kind(f, r->why);
}

static enum err read_given_texts(
    const struct wire_field *f, struct str text, struct json_reader *r, struct str_list *out)
{
    TRY(check_count(f, 1, r->why));
    TRY(check_item(f, 0, text, r->why));
    *out = (struct str_list){ arena_alloc(r->arena, sizeof *out->at), 1 };
    out->at[0] = arena_str(r->arena, text);
    return OK;
}

/* What a text stands for in a field of this kind. */
static enum err read_given(const struct wire_field *f, struct str text, struct json_reader *r, void *out)
{
    switch (f->kind) {
    case WIRE_INT:
    case WIRE_TIME: return read_given_int(f, text, r, out);
    case WIRE_BOOL: return read_given_bool(f, text, r, out);
    case WIRE_TEXT: return read_given_text(f, text, r, out);
    case WIRE_TEXTS: return read_given_texts(f, text, r, out);
    case WIRE_ID: return id_parse(text, out) ? check_id(f, *(struct id *)out, r->why) : refuse_kind(f, r->why);
    case WIRE_BYTES:
    case WIRE_ANY:
    case WIRE_IDS:
    case WIRE_LIST:
    case WIRE_ONE: break;
    }
    return refuse_kind(f, r->why);
}

/* The last one of a name holds. */
static enum err read_all_given(
    const struct wire_shape *shape, struct wire_given_list given, struct json_reader *r, char *out, uint64_t *seen)
{
    for (size_t i = given.len; i-- > 0;) {
        const struct wire_field *f = wire_find(shape, given.at[i].name);
        if (f == NULL || *seen & UINT64_C(1) << (f - shape->fields)) continue;
        *seen |= UINT64_C(1) << (f - shape->fields);
        TRY(read_given(f, given.at[i].value, r, out + f->at));
    }
    return OK;
}

/* --- records --- */

static const struct wire_field *find_field(
    const struct wire_shape *shape, const struct wire_field *near, struct str name)
{
    return near->name != NULL && str_eq(name, field_name(near)) ? near : wire_find(shape, name);
}

/* A key given twice is the cursor's to refuse. */
static enum err read_members(const struct wire_shape *shape, struct json_reader *r, char *out, uint64_t *seen)
{
    const struct wire_field *near = shape->fields;
    struct json_open object;
    struct str key;

    if (json_peek(r->in) != '{')
        return json_skip(r->in, NULL)
                   ? wire_refuse(r->why, ERR_INVALID_ARGUMENT, NULL, "want an object: %s", shape->name)
                   : refuse_text(r->in, r->why);
    if (!json_open_object(r->in, &object)) return refuse_text(r->in, r->why);
    while (json_next_key(r->in, &object, &key)) {
        const struct wire_field *f = find_field(shape, near, key);
        uint64_t bit = f != NULL ? UINT64_C(1) << (f - shape->fields) : 0;
        if (f == NULL || *seen & bit) {
            if (!json_skip(r->in, NULL)) return refuse_text(r->in, r->why);
            continue;
        }
        *seen |= bit;
        near = f + 1;
        TRY(read_value(f, r, out + f->at));
    }
    return r->in->verdict == JSON_MALFORMED ? refuse_text(r->in, r->why) : OK;
}

static enum err read_record(
    const struct wire_shape *shape, struct wire_given_list given, struct json_reader *r, void *out)
{
    uint64_t seen = 0;

    memset(out, 0, shape->size);
    TRY(read_all_given(shape, given, r, out, &seen));
    TRY(read_members(shape, r, out, &seen));
    for (const struct wire_field *f = shape->fields; f->name != NULL; f++)
        if ((seen & UINT64_C(1) << (f - shape->fields)) == 0) TRY(check_absent(f, (char *)out + f->at, r->why));
    return OK;
}

enum err wire_read_json_over(const struct wire_shape *shape, struct str json, struct wire_given_list given,
    struct arena *arena, void *out, struct wire_error *why)
{
    struct json_in in;
    struct json_reader r = { &in, arena, why };

    json_begin(&in, json, WIRE_MAX_DEPTH);
    enum err e = read_record(shape, given, &r, out);
    /* A fault of the text goes before what is wrong with a field: the field may be what the fault made of it. */
    if (in.verdict == JSON_REFUSED) e = refuse_text(&in, why);
    if (json_end(&in) != JSON_FINE && e == OK) e = refuse_text(&in, why);
    if (e == OK && arena_is_over(arena))
        e = wire_refuse(why, ERR_TOO_LARGE, NULL, "needs more memory than one request may have");
    return e;
}

enum err wire_read_json(
    const struct wire_shape *shape, struct str json, struct arena *arena, void *out, struct wire_error *why)
{
    return wire_read_json_over(shape, json, (struct wire_given_list){ 0 }, arena, out, why);
}

enum err wire_from_json(const struct wire_shape *shape, struct str json, struct buf *out, struct wire_error *why)
{
    /* bound: the text of one message between processes; the reader asks arena_fits() for lists */
    struct arena *arena = arena_create("json", WIRE_JSON_ARENA_MAX);
    void *record = arena_zero(arena, shape->size + 1); /* `nothing` has no size */
    enum err e = wire_read_json(shape, json, arena, record, why);

    if (e == OK && (e = wire_encode(shape, record, out)) == ERR_TOO_LARGE)
        wire_refuse(why, e, NULL, "more than %zu bytes", out->max);
    arena_destroy(&arena);
    return e;
}

enum err wire_any_from_json(struct str json, struct buf *out)
{
    struct json_in in;
    size_t before = out->len;

    json_begin(&in, json, WIRE_MAX_DEPTH);
    json_to_msgpack(&in, out, NULL, 0);
    enum json_verdict verdict = json_end(&in);
    if (verdict == JSON_FINE && !out->over) return OK;
    out->len = before;
    return verdict == JSON_MALFORMED ? ERR_MALFORMED : verdict == JSON_REFUSED ? ERR_INVALID_ARGUMENT : ERR_TOO_LARGE;
}
