/* check.c - the bounds of a field, and the words for what is beyond them. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/wire/check.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const kind_names[] = {
    [WIRE_INT] = "an integer",
    [WIRE_BOOL] = "true or false",
    [WIRE_TEXT] = "a text",
    [WIRE_BYTES] = "bytes",
    [WIRE_ID] = "an id",
    [WIRE_TIME] = "a time in milliseconds",
    [WIRE_ANY] = "a value",
    [WIRE_TEXTS] = "a list of texts",
    [WIRE_IDS] = "a list of ids",
    [WIRE_LIST] = "a list",
    [WIRE_ONE] = "an object",
};

const struct wire_field *wire_find(const struct wire_shape *shape, struct str name)
{
    for (const struct wire_field *f = shape->fields; f->name != NULL; f++)
        if (str_eq(name, field_name(f))) return f;
    return NULL;
}

enum err wire_refuse(struct wire_error *why, enum err e, const char *field, const char *fmt, ...)
{
    va_list args;

    if (why == NULL) return e;
    snprintf(why->field, sizeof why->field, "%s", field == NULL ? "" : field);
    int at = snprintf(why->text, sizeof why->text, "%s%s", why->field, *why->field ? ": " : "");
    va_start(args, fmt);
    vsnprintf(why->text + at, sizeof why->text - (size_t)at, fmt, args);
    va_end(args);
    return e;
}

enum err refuse_within(const struct wire_field *f, long i, enum err e, struct wire_error *why)
{
    if (why == NULL) return e;

    struct wire_error inner = *why;
    const char *dot = *inner.field ? "." : "", *said = inner.text;
    char path[sizeof why->field];
    size_t named = strlen(inner.field);

    if (named > 0 && strncmp(said, inner.field, named) == 0) said += named + strlen(": ");
    if (i < 0)
        snprintf(path, sizeof path, "%s%s%.40s", f->name, dot, inner.field);
    else
        snprintf(path, sizeof path, "%s[%ld]%s%.40s", f->name, i, dot, inner.field);
    return wire_refuse(why, e, path, "%s", said);
}

enum err refuse_field(const struct wire_field *f, const char *what, struct wire_error *why)
{
    return wire_refuse(why, ERR_INVALID_ARGUMENT, f->name, "%s", what);
}

enum err refuse_memory(const struct wire_field *f, struct wire_error *why)
{
    return wire_refuse(why, ERR_TOO_LARGE, f->name, "needs more memory than one request may have");
}

enum err refuse_kind(const struct wire_field *f, struct wire_error *why)
{
    return wire_refuse(why, ERR_INVALID_ARGUMENT, f->name, "is not %s", kind_names[f->kind]);
}

bool is_text(struct str s)
{
    return s.len == 0 || utf8_is_valid(s.at, s.len);
}

enum err check_int(const struct wire_field *f, int64_t n, struct wire_error *why)
{
    if (n >= f->min && n <= f->max) return OK;
    if (f->max == INT64_MAX) return wire_refuse(why, ERR_INVALID_ARGUMENT, f->name, "is less than %" PRId64, f->min);
    return wire_refuse(why, ERR_INVALID_ARGUMENT, f->name, "is not within %" PRId64 " and %" PRId64, f->min, f->max);
}

/* Between min and max code points?  Counting is only for texts near a bound. */
static bool has_length(struct str s, int64_t min, int64_t max)
{
    if (s.len >= 4 * (size_t)min && s.len <= (size_t)max) return true;
    int64_t n = (int64_t)utf8_length(s.at, s.len);
    return n >= min && n <= max;
}

enum err check_text(const struct wire_field *f, struct str s, struct wire_error *why)
{
    if (!has_length(s, f->min, f->max))
        return wire_refuse(
            why, ERR_INVALID_ARGUMENT, f->name, "has to have %" PRId64 " to %" PRId64 " characters", f->min, f->max);
    return is_text(s) ? OK : refuse_field(f, "is not UTF-8 without NUL", why);
}

enum err check_item(const struct wire_field *f, size_t i, struct str s, struct wire_error *why)
{
    char path[sizeof why->field];

    if (has_length(s, 0, f->item_max) && is_text(s)) return OK;
    snprintf(path, sizeof path, "%s[%zu]", f->name, i);
    return wire_refuse(
        why, ERR_INVALID_ARGUMENT, path, "has to be UTF-8 without NUL of up to %" PRId64 " characters", f->item_max);
}

enum err check_bytes(const struct wire_field *f, size_t len, struct wire_error *why)
{
    if (len >= (size_t)f->min && len <= (size_t)f->max) return OK;
    return wire_refuse(
        why, ERR_INVALID_ARGUMENT, f->name, "has to have %" PRId64 " to %" PRId64 " bytes", f->min, f->max);
}

enum err check_id(const struct wire_field *f, struct id id, struct wire_error *why)
{
    return id_is_nil(id) ? refuse_field(f, "is the nil id", why) : OK;
}

enum err check_count(const struct wire_field *f, size_t n, struct wire_error *why)
{
    if (n <= (size_t)f->max) return OK;
    return wire_refuse(why, ERR_INVALID_ARGUMENT, f->name, "has more than %" PRId64 " items", f->max);
}

enum err check_total(const struct wire_field *f, size_t len, struct wire_error *why)
{
    if (f->total == 0 || len <= (size_t)f->total) return OK;
    return wire_refuse(why, ERR_TOO_LARGE, f->name, "has more than %" PRId64 " bytes in all", f->total);
}

enum err check_absent(const struct wire_field *f, void *out, struct wire_error *why)
{
    if (f->required) return refuse_field(f, "is missing", why);
    if (f->kind == WIRE_INT)
        *(int64_t *)out = f->fallback;
    else if (f->kind == WIRE_BOOL)
        *(bool *)out = f->fallback != 0;
    return OK;
}

static bool is_list(const struct wire_field *f)
{
    return f->kind == WIRE_TEXTS || f->kind == WIRE_IDS || f->kind == WIRE_LIST;
}

size_t wire_list_length(const struct wire_field *f, const void *record)
{
    const struct wire_list *list = (const void *)((const char *)record + f->at);

    return is_list(f) ? list->len : 0;
}

size_t field_item_size(const struct wire_field *f)
{
    return f->kind == WIRE_LIST ? f->of()->size : f->kind == WIRE_IDS ? sizeof(struct id) : sizeof(struct str);
}

bool field_is_absent(const struct wire_field *f, const void *at)
{
    int64_t n;

    if (f->required) return false;
    switch (f->kind) {
    case WIRE_INT: n = *(const int64_t *)at; return n == f->fallback && (n < f->min || n > f->max);
    case WIRE_TIME: return *(const int64_t *)at == 0;
    case WIRE_ID: return id_is_nil(*(const struct id *)at);
    case WIRE_BOOL: return false;
    case WIRE_TEXTS:
    case WIRE_IDS:
    case WIRE_LIST: return ((const struct wire_list *)at)->len == 0;
    case WIRE_ONE: return *(void *const *)at == NULL;
    case WIRE_TEXT:
    case WIRE_BYTES:
    case WIRE_ANY: break;
    }
    return ((const struct str *)at)->at == NULL;
}

enum err check_any_size(const struct wire_field *f, struct str any, struct wire_error *why)
{
    size_t most = wire_any_text(any).at != NULL ? WIRE_ANY_TEXT_MOST(f->max) : (size_t)f->max;

    if (any.len <= most) return OK;
    return wire_refuse(why, ERR_INVALID_ARGUMENT, f->name, "is larger than %" PRId64 " bytes", f->max);
}

static const char *fault_of(const msgpack_object *o, unsigned depth);

static const char *fault_in_array(msgpack_object_array a, unsigned depth)
{
    const char *fault = depth == 0 ? "is nested too deeply" : NULL;

    for (uint32_t i = 0; i < a.size && fault == NULL; i++) fault = fault_of(&a.ptr[i], depth - 1);
    return fault;
}

static struct str key_of(const msgpack_object_kv *pair)
{
    return (struct str){ pair->key.via.str.ptr, pair->key.via.str.size };
}

static int by_key(const void *a, const void *b)
{
    return str_cmp(key_of(*(const msgpack_object_kv *const *)a), key_of(*(const msgpack_object_kv *const *)b));
}

/* All keys are texts. */
static bool has_a_key_twice(msgpack_object_map m)
{
    bool found = false;

    if (m.size < 2) return false;
    const msgpack_object_kv **pairs = mem_alloc(m.size * sizeof(const msgpack_object_kv *));
    for (uint32_t i = 0; i < m.size; i++) pairs[i] = &m.ptr[i];
    qsort(pairs, m.size, sizeof *pairs, by_key);
    for (uint32_t i = 1; i < m.size; i++) found |= str_eq(key_of(pairs[i - 1]), key_of(pairs[i]));
    mem_free(pairs);
    return found;
}

static const char *fault_in_map(msgpack_object_map m, unsigned depth)
{
    const char *fault = depth == 0 ? "is nested too deeply" : NULL;

    for (uint32_t i = 0; i < m.size && fault == NULL; i++) {
        fault = m.ptr[i].key.type == MSGPACK_OBJECT_STR ? fault_of(&m.ptr[i].key, 1) : "has a key that is not a text";
        if (fault == NULL) fault = fault_of(&m.ptr[i].val, depth - 1);
    }
    if (fault == NULL && has_a_key_twice(m)) fault = "has a key twice";
    return fault;
}

/* What JSON could not say again; NULL: nothing. */
static const char *fault_of(const msgpack_object *o, unsigned depth)
{
    switch ((int)o->type) {
    case MSGPACK_OBJECT_STR:
        return is_text((struct str){ o->via.str.ptr, o->via.str.size }) ? NULL
                                                                        : "has a text that is not UTF-8 without NUL";
    case MSGPACK_OBJECT_ARRAY: return fault_in_array(o->via.array, depth);
    case MSGPACK_OBJECT_MAP: return fault_in_map(o->via.map, depth);
    case MSGPACK_OBJECT_FLOAT32:
    case MSGPACK_OBJECT_FLOAT64: return isfinite(o->via.f64) ? NULL : "has a number that is not finite";
    case MSGPACK_OBJECT_EXT: return "has an extension type";
    default: return NULL;
    }
}

enum err check_any(const struct wire_field *f, const msgpack_object *o, struct wire_error *why)
{
    bool is_text = o->type == MSGPACK_OBJECT_EXT && o->via.ext.type == WIRE_ANY_TEXT;
    const char *fault = is_text ? NULL : fault_of(o, WIRE_ANY_DEPTH);

    return fault == NULL ? OK : refuse_field(f, fault, why);
}
