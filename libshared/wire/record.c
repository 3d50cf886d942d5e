/* record.c - a record as a value: whether two are the same, and one that stands without the bytes that it was read from. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/wire/record.h"

#include <string.h>

bool ids_have(struct id_list ids, struct id id)
{
    for (size_t i = 0; i < ids.len; i++)
        if (id_eq(ids.at[i], id)) return true;
    return false;
}

/* --- the same --- */

static bool is_same_list(const struct wire_field *f, const struct wire_list *a, const struct wire_list *b)
{
    const struct wire_shape *shape = f->of();

    if (a->len != b->len) return false;
    for (size_t i = 0; i < a->len; i++)
        if (!record_is_same(shape, a->at + i * shape->size, b->at + i * shape->size)) return false;
    return true;
}

static bool is_same_texts(const struct str_list *a, const struct str_list *b)
{
    if (a->len != b->len) return false;
    for (size_t i = 0; i < a->len; i++)
        if (!str_eq(a->at[i], b->at[i])) return false;
    return true;
}

static bool is_same_ids(const struct id_list *a, const struct id_list *b)
{
    return a->len == b->len && (a->len == 0 || memcmp(a->at, b->at, a->len * sizeof *a->at) == 0);
}

static bool is_same_text(struct str a, struct str b)
{
    return (a.at == NULL) == (b.at == NULL) && str_eq(a, b);
}

static bool is_same_one(const struct wire_field *f, const void *a, const void *b)
{
    return a == NULL || b == NULL ? a == b : record_is_same(f->of(), a, b);
}

static bool is_same_value(const struct wire_field *f, const void *a, const void *b)
{
    switch (f->kind) {
    case WIRE_INT:
    case WIRE_TIME: return *(const int64_t *)a == *(const int64_t *)b;
    case WIRE_BOOL: return *(const bool *)a == *(const bool *)b;
    case WIRE_ID: return id_eq(*(const struct id *)a, *(const struct id *)b);
    case WIRE_TEXTS: return is_same_texts(a, b);
    case WIRE_IDS: return is_same_ids(a, b);
    case WIRE_LIST: return is_same_list(f, a, b);
    case WIRE_ONE: return is_same_one(f, *(const void *const *)a, *(const void *const *)b);
    case WIRE_TEXT:
    case WIRE_BYTES:
    case WIRE_ANY: break;
    }
    return is_same_text(*(const struct str *)a, *(const struct str *)b);
}

bool record_is_same(const struct wire_shape *shape, const void *a, const void *b)
{
    for (const struct wire_field *f = shape->fields; f->name != NULL; f++)
        if (!is_same_value(f, (const char *)a + f->at, (const char *)b + f->at)) return false;
    return true;
}

/* --- by itself --- */

static void keep_text(struct arena *arena, struct str *text)
{
    if (text->at != NULL) *text = arena_str(arena, *text);
}

static void keep_texts(struct arena *arena, struct str_list *list)
{
    if (list->len == 0) return;
    list->at = arena_copy(arena, list->at, list->len * sizeof *list->at);
    for (size_t i = 0; i < list->len; i++) keep_text(arena, &list->at[i]);
}

static void keep_list(const struct wire_field *f, struct arena *arena, struct wire_list *list)
{
    const struct wire_shape *shape = f->of();

    if (list->len == 0) return;
    list->at = arena_copy(arena, list->at, list->len * shape->size);
    for (size_t i = 0; i < list->len; i++) record_keep(shape, arena, list->at + i * shape->size);
}

static void keep_ids(struct arena *arena, struct id_list *list)
{
    if (list->len > 0) list->at = arena_copy(arena, list->at, list->len * sizeof *list->at);
}

static void keep_one(const struct wire_field *f, struct arena *arena, void **one)
{
    if (*one == NULL) return;
    *one = arena_copy(arena, *one, f->of()->size);
    record_keep(f->of(), arena, *one);
}

void record_keep(const struct wire_shape *shape, struct arena *arena, void *record)
{
    for (const struct wire_field *f = shape->fields; f->name != NULL; f++) {
        void *at = (char *)record + f->at;
        switch (f->kind) {
        case WIRE_TEXT:
        case WIRE_BYTES:
        case WIRE_ANY: keep_text(arena, at); break;
        case WIRE_TEXTS: keep_texts(arena, at); break;
        case WIRE_IDS: keep_ids(arena, at); break;
        case WIRE_LIST: keep_list(f, arena, at); break;
        case WIRE_ONE: keep_one(f, arena, at); break;
        case WIRE_INT:
        case WIRE_TIME:
        case WIRE_BOOL:
        case WIRE_ID: break;
        }
    }
}
