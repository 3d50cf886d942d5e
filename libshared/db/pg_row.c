/* pg_row.c - rows into records: a column fills the field of its name. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/db/pg_private.h"

#include <string.h>

#include "libshared/base/log.h"

#define JSON_MAX (16u << 20)

struct cell {
    const char *at;
    int len;
    Oid type;
};

static enum err refuse_column(const char *column, const char *why)
{
    LOG_BOUNDED(ERROR, "pg.misfit", F_TEXT("column", column), F_TEXT("why", why));
    return ERR_INTERNAL;
}

enum err pg_columns_match(const PGresult *res, const struct wire_shape *shape, const char *sql, struct pg_columns *out)
{
    out->n = PQnfields(res);
    if (out->n > WIRE_MAX_FIELDS) return refuse_column(sql, "too many columns");
    for (int i = 0; i < out->n; i++) {
        out->of[i] = wire_find(shape, str_of(PQfname(res, i)));
        if (out->of[i] == NULL) return refuse_column(PQfname(res, i), sql);
    }
    return OK;
}

static bool is_text(Oid type)
{
    return type == PG_TEXT || type == PG_VARCHAR || type == PG_BPCHAR || type == PG_NAME;
}

static bool is_json(Oid type)
{
    return type == PG_JSON || type == PG_JSONB;
}

static struct str json_text(struct cell c)
{
    int version = c.type == PG_JSONB; /* one byte before the text */

    return (struct str){ c.at + version, (size_t)(c.len - version) };
}

/* Any integer type; a timestamptz as milliseconds, rounded down. */
static bool read_int(struct cell c, int64_t *out)
{
    switch (c.type) {
    case PG_INT8: *out = (int64_t)pg_get(c.at, 8); return true;
    case PG_INT4: *out = (int32_t)pg_get(c.at, 4); return true;
    case PG_INT2: *out = (int16_t)pg_get(c.at, 2); return true;
    case PG_OID: *out = (int64_t)pg_get(c.at, 4); return true;
    default: return false;
    }
}

static bool read_time(struct cell c, int64_t *out)
{
    if (c.type != PG_TIMESTAMPTZ) return read_int(c, out);
    int64_t us = (int64_t)pg_get(c.at, 8);
    if (us == INT64_MAX || us == INT64_MIN) /* infinity: a time that never comes is no time */
        *out = 0;
    else
        *out = (us - (us % 1000 + 1000) % 1000) / 1000 + PG_EPOCH_MS;
    return true;
}

/* A column of type json has the text as it was stored, which was checked then: it stays text. */
static bool stays_text(struct cell c, const struct wire_field *field)
{
    return c.type == PG_JSON && (size_t)c.len <= 3 * (size_t)field->max;
}

/* ANY: jsonb becomes msgpack, and so does a json that is too long as text; bytea is msgpack already. */
static bool read_any(struct cell c, const struct wire_field *field, struct arena *arena, struct str *out)
{
    struct buf bytes = BUF(JSON_MAX);
    bool good = c.type == PG_BYTEA;

    *out = (struct str){ c.at, (size_t)c.len };
    if (is_json(c.type)) {
        good = true;
        if (stays_text(c, field))
            wire_any_of_text(json_text(c), &bytes);
        else
            good = wire_any_from_json(json_text(c), &bytes) == OK && !bytes.over;
        *out = good ? arena_str(arena, buf_str(&bytes)) : STR_NONE;
    }
    buf_free(&bytes);
    return good;
}

/* LIST: the json is decoded as the one field of a record of its own, so that the contract's checks hold here too. */
static bool read_list(struct cell c, const struct wire_field *field, struct arena *arena, void *out)
{
    struct wire_field fields[2] = { *field, { .name = NULL } };
    struct wire_shape alone = { field->name, "", sizeof(struct str_list), fields };
    struct wire_error why = { 0 };
    struct str_list list = { NULL, 0 };
    struct str json = arena_printf(arena, "{\"%s\":%.*s}", field->name, STR_ARG(json_text(c)));
    enum err e;

    fields[0].at = 0;
    e = wire_read_json(&alone, json, arena, &list, &why);
    memcpy(out, &list, sizeof list);
    return e == OK;
}

/* ONE: a json object, or the one that row_to_json() makes of a row; ids as text, times as milliseconds. */
static bool read_one(struct cell c, const struct wire_field *field, struct arena *arena, void **out)
{
    struct wire_error why = { 0 };

    *out = arena_zero(arena, field->of()->size);
    return wire_read_json(field->of(), json_text(c), arena, *out, &why) == OK;
}

/* A one-dimensional array's items, NULLs as none: -1 if it is not one of such items. */
static int array_items(struct cell c, Oid item_type, struct arena *arena, struct str **out)
{
    if (c.len < 12 || pg_get(c.at + 8, 4) != item_type || pg_get(c.at, 4) > 1) return -1;
    *out = NULL;
    if (pg_get(c.at, 4) == 0) return 0;

    int n = (int)pg_get(c.at + 12, 4);
    const char *at = c.at + 20;
    *out = arena_alloc(arena, (size_t)n * sizeof **out);
    for (int i = 0; i < n; i++) {
        int32_t len = (int32_t)pg_get(at, 4);
        (*out)[i] = len < 0 ? STR_NONE : (struct str){ at + 4, (size_t)len };
        at += 4 + (len < 0 ? 0 : len);
    }
    return n;
}

static bool read_texts(struct cell c, struct arena *arena, struct str_list *out)
{
    int n = array_items(c, PG_TEXT, arena, &out->at);

    out->len = n < 0 ? 0 : (size_t)n;
    return n >= 0;
}

static bool read_ids(struct cell c, struct arena *arena, struct id_list *out)
{
    struct str *items;
    int n = array_items(c, PG_UUID, arena, &items);

    if (n < 0) return false;
    *out = (struct id_list){ arena_zero(arena, (size_t)n * sizeof *out->at), (size_t)n };
    for (int i = 0; i < n; i++)
        if (items[i].len == 16) memcpy(out->at[i].b, items[i].at, 16);
    return true;
}

static bool read_str(struct cell c, bool fits, struct str *out)
{
    *out = (struct str){ c.at, (size_t)c.len };
    return fits;
}

static bool read_id(struct cell c, struct id *out)
{
    if (c.type != PG_UUID) return false;
    memcpy(out->b, c.at, sizeof out->b);
    return true;
}

static bool read_cell(struct cell c, const struct wire_field *field, struct arena *arena, void *out)
{
    switch (field->kind) {
    case WIRE_INT: return read_int(c, out);
    case WIRE_TIME: return read_time(c, out);
    case WIRE_BOOL: *(bool *)out = c.at[0] != 0; return c.type == PG_BOOL;
    case WIRE_TEXT: return read_str(c, is_text(c.type), out);
    case WIRE_BYTES: return read_str(c, c.type == PG_BYTEA, out);
    case WIRE_ID: return read_id(c, out);
    case WIRE_ANY: return read_any(c, field, arena, out);
    case WIRE_TEXTS: return read_texts(c, arena, out);
    case WIRE_IDS: return read_ids(c, arena, out);
    case WIRE_LIST: return is_json(c.type) && read_list(c, field, arena, out);
    case WIRE_ONE: return is_json(c.type) && read_one(c, field, arena, out);
    }
    return false;
}

static size_t size_of(enum wire_kind kind)
{
    switch (kind) {
    case WIRE_INT:
    case WIRE_TIME: return sizeof(int64_t);
    case WIRE_BOOL: return sizeof(bool);
    case WIRE_ID: return sizeof(struct id);
    case WIRE_ONE: return sizeof(void *);
    case WIRE_TEXT:
    case WIRE_BYTES:
    case WIRE_ANY:
    case WIRE_TEXTS:
    case WIRE_IDS:
    case WIRE_LIST: break;
    }
    return sizeof(struct str); /* views and lists are a pointer and a length */
}

static void set_absent(const struct wire_field *field, void *out)
{
    memset(out, 0, size_of(field->kind));
    if (field->kind == WIRE_INT) *(int64_t *)out = field->fallback;
    if (field->kind == WIRE_BOOL) *(bool *)out = field->fallback != 0;
}

enum err pg_row_read(const PGresult *res, int row, const struct pg_columns *columns, struct arena *arena, void *rec)
{
    for (int i = 0; i < columns->n; i++) {
        const struct wire_field *field = columns->of[i];
        void *out = (char *)rec + field->at;
        struct cell c = { PQgetvalue(res, row, i), PQgetlength(res, row, i), PQftype(res, i) };

        if (PQgetisnull(res, row, i))
            set_absent(field, out);
        else if (!read_cell(c, field, arena, out))
            return refuse_column(field->name, "type of the column, or what it holds");
    }
    return OK;
}
