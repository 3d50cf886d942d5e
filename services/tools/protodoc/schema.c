/* schema.c - records as JSON Schema, for those who read the contract with other tools. */
// SPDX-License-Identifier: Apache-2.0
#include "services/tools/protodoc/schema.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

json_t *schema_made(json_t *json)
{
    assert(json != NULL);
    return json;
}

void schema_set(json_t *object, const char *key, json_t *value)
{
    int failed = json_object_set_new(object, key, schema_made(value));
    assert(!failed);
}

void schema_append(json_t *array, json_t *value)
{
    int failed = json_array_append_new(array, schema_made(value));
    assert(!failed);
}

json_t *schema_ref(const char *section, const char *name)
{
    return schema_made(json_pack("{s:o}", "$ref", json_sprintf("#/components/%s/%s", section, name)));
}

static json_t *bounded(const char *type, const char *least, int64_t min, const char *most, int64_t max)
{
    json_t *schema = json_pack("{s:s}", "type", type);

    if (min > 0 || strcmp(least, "minimum") == 0) schema_set(schema, least, json_integer(min));
    if (max != INT64_MAX) schema_set(schema, most, json_integer(max));
    return schema;
}

static json_t *list_of(const struct wire_field *f, json_t *items)
{
    json_t *list = json_pack("{s:s, s:o, s:I}", "type", "array", "items", items, "maxItems", (json_int_t)f->max);

    if (f->total > 0) schema_set(schema_made(list), "x-max-bytes", json_integer(f->total));
    return schema_made(list);
}

static json_t *schema_of_bytes(const struct wire_field *f)
{
    json_t *schema = bounded("string", "minLength", (f->min + 2) / 3 * 4, "maxLength", (f->max + 2) / 3 * 4);

    schema_set(schema, "contentEncoding", json_string("base64"));
    return schema;
}

static json_t *schema_of_kind(const struct wire_field *f)
{
    switch (f->kind) {
    case WIRE_INT: return bounded("integer", "minimum", f->min, "maximum", f->max);
    case WIRE_TIME: return json_pack("{s:s, s:s, s:i}", "type", "integer", "format", "int64", "minimum", 0);
    case WIRE_BOOL: return json_pack("{s:s}", "type", "boolean");
    case WIRE_TEXT: return bounded("string", "minLength", f->min, "maxLength", f->max);
    case WIRE_BYTES: return schema_of_bytes(f);
    case WIRE_ID: return json_pack("{s:s, s:s}", "type", "string", "format", "uuid");
    case WIRE_ANY: return json_pack("{s:I, s:i}", "x-max-bytes", (json_int_t)f->max, "x-max-depth", WIRE_ANY_DEPTH);
    case WIRE_TEXTS: return list_of(f, bounded("string", "minLength", 0, "maxLength", f->item_max));
    case WIRE_IDS: return list_of(f, json_pack("{s:s, s:s}", "type", "string", "format", "uuid"));
    case WIRE_LIST: return list_of(f, schema_ref("schemas", f->of()->name));
    case WIRE_ONE: return schema_ref("schemas", f->of()->name);
    }
    abort();
}

json_t *schema_of_field(const struct wire_field *f)
{
    json_t *schema = schema_made(schema_of_kind(f));

    schema_set(schema, "description", json_string(f->doc));
    if (f->kind == WIRE_BOOL && !f->required) schema_set(schema, "default", json_boolean(f->fallback != 0));
    if (f->kind == WIRE_INT && !f->required && f->fallback >= f->min)
        schema_set(schema, "default", json_integer(f->fallback));
    return schema;
}

bool schema_in_path(const char *path, const struct wire_field *f)
{
    char parameter[WIRE_MAX_FIELDS + 4];

    snprintf(parameter, sizeof parameter, "{%s}", f->name);
    return strstr(path, parameter) != NULL;
}

json_t *schema_of_record(const struct wire_shape *s, const char *path)
{
    json_t *properties = json_object(), *required = json_array();
    json_t *schema = json_pack("{s:s, s:s, s:o}", "type", "object", "description", s->doc, "properties", properties);

    for (const struct wire_field *f = s->fields; f->name != NULL; f++) {
        if (schema_in_path(path, f)) continue;
        schema_set(properties, f->name, schema_of_field(f));
        if (f->required) schema_append(required, json_string(f->name));
    }
    if (json_array_size(required) > 0)
        schema_set(schema, "required", required);
    else
        json_decref(required);
    return schema_made(schema);
}

void schema_add(json_t *schemas, const struct wire_shape *s)
{
    if (json_object_get(schemas, s->name) != NULL) return;
    schema_set(schemas, s->name, schema_of_record(s, ""));
    for (const struct wire_field *f = s->fields; f->name != NULL; f++)
        if (f->of != NULL) schema_add(schemas, f->of());
}
