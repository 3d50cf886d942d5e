/* json_read.c - JSON to checked msgpack; jansson parses. */
// SPDX-License-Identifier: Apache-2.0
#include <jansson.h>
#include <math.h>
#include <string.h>

#include "libshared/wire/check.h"
#include "libshared/wire/json_text.h"
#include "libshared/wire/pack.h"

struct packing {
    msgpack_packer pk;
    struct buf *out;
    struct wire_error *why;
    bool widened; /* see parse() */
};

static enum err pack_record(const struct wire_shape *shape, const json_t *json, struct packing *p);
static bool pack_any(const json_t *json, unsigned depth, struct packing *p);

/* jansson recurses for every bracket: count them before it does. */
static bool is_shallow(struct str json)
{
    unsigned depth = 0;
    bool quoted = false;

    for (size_t i = 0; i < json.len; i++) {
        char c = json.at[i];
        if (c == '"')
            quoted = !quoted;
        else if (quoted && c == '\\')
            i++;
        else if (!quoted && (c == '{' || c == '['))
            depth++;
        else if (!quoted && depth > 0 && (c == '}' || c == ']'))
            depth--;
        if (depth > WIRE_MAX_DEPTH) return false;
    }
    return true;
}

/* An integer that 64 bits don't hold is a real, as in JavaScript: jsonb prints 1e300 with all its digits.  jansson can
 * read such a text only if it makes every integer a real; *widened says so, and as_integer() takes them back. */
static enum err parse(struct str text, json_t **out, bool *widened, struct wire_error *why)
{
    const size_t flags = JSON_REJECT_DUPLICATES | JSON_DECODE_ANY;
    json_error_t fault;

    if (!is_shallow(text)) return wire_refuse(why, ERR_MALFORMED, NULL, "JSON nested too deeply");
    *out = json_loadb(text.at, text.len, flags, &fault);
    *widened = *out == NULL && json_error_code(&fault) == json_error_numeric_overflow;
    if (*widened) *out = json_loadb(text.at, text.len, flags | JSON_DECODE_INT_AS_REAL, &fault);
    if (*out != NULL) return OK;
    if (json_error_code(&fault) == json_error_duplicate_key)
        return wire_refuse(why, ERR_INVALID_ARGUMENT, NULL, "a key is given twice");
    /* jansson's own words quote the text, which may hold a secret. */
    return wire_refuse(why, ERR_MALFORMED, NULL, "not JSON, at byte %d", fault.position);
}

static bool as_integer(const json_t *json, const struct packing *p, int64_t *out)
{
    const double exact = 9007199254740992; /* 2^53: up to there a double is the integer that was written */
    double r = json_real_value(json);

    *out = json_integer_value(json);
    if (!p->widened || !json_is_real(json)) return json_is_integer(json);
    if (r != floor(r) || fabs(r) > exact) return false;
    *out = (int64_t)r;
    return true;
}

static bool pack_any_real(const json_t *json, struct packing *p)
{
    int64_t n;

    if (as_integer(json, p, &n)) return msgpack_pack_int64(&p->pk, n) == 0;
    return msgpack_pack_double(&p->pk, json_real_value(json)) == 0;
}

static struct str text_of(const json_t *json)
{
    return (struct str){ json_string_value(json), json_string_length(json) };
}

static bool pack_any_array(const json_t *json, unsigned depth, struct packing *p)
{
    size_t n = json_array_size(json);

    msgpack_pack_array(&p->pk, n);
    for (size_t i = 0; i < n; i++)
        if (!pack_any(json_array_get(json, i), depth - 1, p)) return false;
    return true;
}

static bool pack_any_object(const json_t *json, unsigned depth, struct packing *p)
{
    const char *key;
    json_t *value;

    msgpack_pack_map(&p->pk, json_object_size(json));
    json_object_foreach((json_t *)json, key, value)
    {
        pack_text(&p->pk, str_of(key));
        if (!pack_any(value, depth - 1, p)) return false;
    }
    return true;
}

static bool pack_any_text(const json_t *json, struct packing *p)
{
    struct str s = text_of(json);

    if (!is_text(s)) return false;
    pack_text(&p->pk, s);
    return true;
}

static bool pack_any(const json_t *json, unsigned depth, struct packing *p)
{
    switch (json_typeof(json)) {
    case JSON_OBJECT: return depth > 0 && pack_any_object(json, depth, p);
    case JSON_ARRAY: return depth > 0 && pack_any_array(json, depth, p);
    case JSON_STRING: return pack_any_text(json, p);
    case JSON_INTEGER: return msgpack_pack_int64(&p->pk, json_integer_value(json)) == 0;
    case JSON_REAL: return pack_any_real(json, p);
    case JSON_TRUE: return msgpack_pack_true(&p->pk) == 0;
    case JSON_FALSE: return msgpack_pack_false(&p->pk) == 0;
    case JSON_NULL: break;
    }
    return msgpack_pack_nil(&p->pk) == 0;
}

static enum err pack_int(const struct wire_field *f, const json_t *json, struct packing *p)
{
    int64_t n;

    if (!as_integer(json, p, &n)) return refuse_kind(f, p->why);
    TRY(check_int(f, n, p->why));
    msgpack_pack_int64(&p->pk, n);
    return OK;
}

static enum err pack_bool(const struct wire_field *f, const json_t *json, struct packing *p)
{
    if (!json_is_boolean(json)) return refuse_kind(f, p->why);
    pack_any(json, 0, p);
    return OK;
}

static enum err pack_string(const struct wire_field *f, const json_t *json, struct packing *p)
{
    if (!json_is_string(json)) return refuse_kind(f, p->why);
    TRY(check_text(f, text_of(json), p->why));
    pack_text(&p->pk, text_of(json));
    return OK;
}

static enum err pack_id_text(const struct wire_field *f, const json_t *json, struct packing *p)
{
    struct id id;

    if (!json_is_string(json) || !id_parse(text_of(json), &id)) return refuse_kind(f, p->why);
    TRY(check_id(f, id, p->why));
    pack_id(&p->pk, id);
    return OK;
}

static enum err pack_base64(const struct wire_field *f, const json_t *json, struct packing *p)
{
    struct str text = text_of(json);
    size_t len = 0;

    if (!json_is_string(json)) return refuse_kind(f, p->why);
    if (text.len > 4 * ((size_t)f->max / 3 + 1)) return check_bytes(f, (size_t)f->max + 1, p->why);
    uint8_t *bytes = mem_alloc(text.len + 3);
    enum err e =
        base64_decode(text, bytes, &len) ? check_bytes(f, len, p->why) : refuse_field(f, "is not base64", p->why);
    if (e == OK) pack_bytes(&p->pk, (struct str){ (char *)bytes, len });
    mem_free(bytes);
    return e;
}

static enum err pack_value_any(const struct wire_field *f, const json_t *json, struct packing *p)
{
    size_t before = p->out->len;

    if (!pack_any(json, WIRE_ANY_DEPTH, p)) return refuse_field(f, "is nested too deeply, or has a NUL", p->why);
    return check_any_size(f, p->out->len - before, p->why);
}

static enum err pack_item(const struct wire_field *f, size_t i, const json_t *json, struct packing *p)
{
    if (f->kind == WIRE_IDS) return pack_id_text(f, json, p);
    if (f->kind == WIRE_LIST) {
        enum err e = pack_record(f->of(), json, p);
        return e == OK ? OK : refuse_within(f, (long)i, e, p->why);
    }
    if (!json_is_string(json)) return refuse_kind(f, p->why);
    TRY(check_item(f, i, text_of(json), p->why));
    pack_text(&p->pk, text_of(json));
    return OK;
}

static enum err pack_list(const struct wire_field *f, const json_t *json, struct packing *p)
{
    if (!json_is_array(json)) return refuse_kind(f, p->why);

    size_t n = json_array_size(json), before = p->out->len;
    TRY(check_count(f, n, p->why));
    msgpack_pack_array(&p->pk, n);
    for (size_t i = 0; i < n; i++) TRY(pack_item(f, i, json_array_get(json, i), p));
    return check_total(f, p->out->len - before, p->why);
}

static enum err pack_value(const struct wire_field *f, const json_t *json, struct packing *p)
{
    switch (f->kind) {
    case WIRE_INT:
    case WIRE_TIME: return pack_int(f, json, p);
    case WIRE_BOOL: return pack_bool(f, json, p);
    case WIRE_TEXT: return pack_string(f, json, p);
    case WIRE_BYTES: return pack_base64(f, json, p);
    case WIRE_ID: return pack_id_text(f, json, p);
    case WIRE_ANY: return pack_value_any(f, json, p);
    case WIRE_TEXTS:
    case WIRE_IDS:
    case WIRE_LIST: break;
    }
    return pack_list(f, json, p);
}

static enum err pack_record(const struct wire_shape *shape, const json_t *json, struct packing *p)
{
    const json_t *values[WIRE_MAX_FIELDS] = { NULL };
    size_t n = 0;

    if (!json_is_object(json))
        return wire_refuse(p->why, ERR_INVALID_ARGUMENT, NULL, "want an object: %s", shape->name);
    for (size_t i = 0; shape->fields[i].name != NULL; i++) {
        values[i] = json_object_get(json, shape->fields[i].name);
        n += values[i] != NULL;
        if (values[i] == NULL && shape->fields[i].required)
            return refuse_field(&shape->fields[i], "is missing", p->why);
    }
    msgpack_pack_map(&p->pk, n);
    for (size_t i = 0; shape->fields[i].name != NULL; i++) {
        if (values[i] == NULL) continue;
        pack_text(&p->pk, str_of(shape->fields[i].name));
        TRY(pack_value(&shape->fields[i], values[i], p));
    }
    return OK;
}

/* With a shape or, if it is NULL, without. */
static enum err pack_all(const struct wire_shape *shape, const json_t *json, struct packing *p)
{
    size_t before = p->out->len;
    enum err e = shape != NULL ? pack_record(shape, json, p) : pack_any(json, WIRE_MAX_DEPTH, p) ? OK : ERR_MALFORMED;

    if (e == OK && p->out->over) e = wire_refuse(p->why, ERR_TOO_LARGE, NULL, "more than %zu bytes", p->out->max);
    if (e != OK) p->out->len = before;
    return e;
}

static enum err pack_text_of(const struct wire_shape *shape, struct str text, struct buf *out, struct wire_error *why)
{
    struct packing p = { pack_into(out), out, why, false };
    json_t *json;

    TRY(parse(text, &json, &p.widened, why));
    enum err e = pack_all(shape, json, &p);
    json_decref(json);
    return e;
}

enum err wire_from_jansson(
    const struct wire_shape *shape, const struct json_t *json, struct buf *out, struct wire_error *why)
{
    struct packing p = { pack_into(out), out, why, false };

    return pack_all(shape, json, &p);
}

enum err wire_from_json(const struct wire_shape *shape, struct str text, struct buf *out, struct wire_error *why)
{
    return pack_text_of(shape, text, out, why);
}

enum err wire_any_from_json(struct str text, struct buf *out)
{
    return pack_text_of(NULL, text, out, NULL);
}
