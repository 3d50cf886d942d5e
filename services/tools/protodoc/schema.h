/* schema.h - records as JSON Schema (draft 2020-12, as OpenAPI 3.1 has it). */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <jansson.h>

#include "libshared/wire/wire.h"

json_t *schema_of_field(const struct wire_field *f);
/* Without the fields that `path` holds in braces: they are no part of the body. */
json_t *schema_of_record(const struct wire_shape *s, const char *path);
bool schema_in_path(const char *path, const struct wire_field *f);
/* {"$ref":"#/components/<section>/<name>"} */
json_t *schema_ref(const char *section, const char *name);
/* sample.c: an example of its body. */
json_t *sample_of_field(const struct wire_shape *s, const struct wire_field *f);
json_t *sample_of_record(const struct wire_shape *s, const char *path);
/* Put the record, and all that it holds, under its name. */
void schema_add(json_t *schemas, const struct wire_shape *s);

/* For building such documents: what jansson fails at is a mistake of ours. */
json_t *schema_made(json_t *json);
void schema_set(json_t *object, const char *key, json_t *value);
void schema_append(json_t *array, json_t *value);
