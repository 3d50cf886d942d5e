/* openapi.c - REST, as OpenAPI 3.1. */
// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>
#include <string.h>

#include "services/tools/protodoc/protodoc.h"

enum answer { ENVELOPE, BARE, EMPTY, REDIRECT, STREAM };

/* clang-format off */
struct route { const char *http, *path, *service, *method, *who, *nsp, *event, *action, *rate, *doc, *cache; int status; long body_max; enum answer answer; };
static const struct route routes[] = {
#define JSON(bytes) bytes
#define FORM -1 /* its service says how many */
#define NO_STORE "no-store"
#define REVALIDATE "private, no-cache"
#define PUBLIC(seconds) "public, max-age=" #seconds
#define ROUTE(http, path, service, noun, verb, who, nsp, event, action, class, body, status, answer, cache, doc) \
    { #http, path, #service, #noun "." #verb, #who, nsp, event, #action, #class, doc, cache, status, body, answer },
#include "proto/begin.def"
#include "proto/public.def"
#include "proto/end.def"
};
/* clang-format on */

static bool has_body(const struct route *r)
{
    return strcmp(r->http, "POST") == 0 || strcmp(r->http, "PUT") == 0 || strcmp(r->http, "PATCH") == 0;
}

static json_t *parameter(const struct wire_field *f, bool in_path)
{
    return json_pack("{s:s, s:s, s:b, s:o}", "name", f->name, "in", in_path ? "path" : "query", "required",
        in_path || f->required, "schema", schema_of_field(f));
}

static json_t *parameters_of(const struct route *r)
{
    json_t *parameters = json_array();

    for (const struct wire_field *f = find_method(r->method)->req()->fields; f->name != NULL; f++)
        if (schema_in_path(r->path, f) || !has_body(r))
            schema_append(parameters, parameter(f, schema_in_path(r->path, f)));
    return parameters;
}

/* The names of a form's fields are in the form: its method is told of the file alone. */
static json_t *form_of(void)
{
    return json_pack("{s:s, s:b, s:{s:{s:{s:s, s:[s], s:{s:{s:s, s:s}}}}}}", "description",
        "A form with one file, of as many bytes as MADANG_SHARE_MEDIA_BYTES says", "required", 1, "content",
        "multipart/form-data", "schema", "type", "object", "required", "file", "properties", "file", "type", "string",
        "contentMediaType", "application/octet-stream");
}

static json_t *body_of(const struct route *r)
{
    if (r->body_max < 0) return form_of();
    const struct wire_shape *s = find_method(r->method)->req();
    json_t *schema = strchr(r->path, '{') == NULL ? schema_ref("schemas", s->name) : schema_of_record(s, r->path);

    char most[40];
    snprintf(most, sizeof most, "At most %ld bytes", r->body_max);
    return json_pack(
        "{s:s, s:b, s:{s:{s:o}}}", "description", most, "required", 1, "content", "application/json", "schema", schema);
}

static json_t *headers_of(const struct route *r)
{
    return json_pack("{s:{s:{s:s, s:s}}}", "Cache-Control", "schema", "type", "string", "const", r->cache);
}

static json_t *bytes_of(const struct route *r)
{
    return json_pack("{s:s, s:o, s:{s:{}}}", "description", "Its bytes, or with `Range` some of them (206)", "headers",
        headers_of(r), "content", "application/octet-stream");
}

static json_t *success_of(const struct route *r)
{
    if (r->answer == STREAM) return bytes_of(r);
    if (r->answer == REDIRECT)
        return json_pack("{s:s, s:{s:{s:{s:s}}, s:{s:{s:s, s:s}}}}", "description", "It is at `Location`", "headers",
            "Location", "schema", "type", "string", "Cache-Control", "schema", "type", "string", "const", r->cache);
    if (r->answer == EMPTY)
        return json_pack("{s:s, s:o}", "description", "Nothing more to say", "headers", headers_of(r));
    const struct wire_shape *s = find_method(r->method)->rep();
    json_t *schema = schema_ref("schemas", s->name);

    if (r->answer == ENVELOPE)
        schema = schema_made(json_pack("{s:s, s:[s, s], s:{s:{s:b}, s:o}}", "type", "object", "required", "success",
            "data", "properties", "success", "const", 1, "data", schema));
    return json_pack("{s:s, s:o, s:{s:{s:o}}}", "description", s->doc, "headers", headers_of(r), "content",
        "application/json", "schema", schema);
}

static bool can_answer(const struct route *r, int status)
{
    if (status == 405 || status == 431) return false;
    if (status == 415 || status == 507) return has_body(r);
    if (status == 406) return r->answer == ENVELOPE || r->answer == BARE;
    return status != 416 || r->answer == STREAM;
}

static json_t *answers_of(const struct route *r)
{
    json_t *answers = json_object();
    char key[8];

    snprintf(key, sizeof key, "%d", r->status);
    schema_set(answers, key, success_of(r));
    for (enum err e = OK + 1; e < ERR_COUNT; e++) {
        snprintf(key, sizeof key, "%d", err_status(e));
        if (can_answer(r, err_status(e)) && json_object_get(answers, key) == NULL)
            schema_set(answers, key, schema_ref("responses", key));
    }
    return answers;
}

static json_t *operation_of(const struct route *r)
{
    bool is_open = strcmp(r->who, "ANYONE") == 0;
    char id[80]; /* a method may be answered by two routes, in different ways */
    snprintf(id, sizeof id, "%s%s", r->method, r->answer == REDIRECT ? ".redirect" : "");
    json_t *operation = json_pack("{s:s, s:s, s:[s], s:o}", "operationId", id, "summary", r->doc, "tags", r->service,
        "security", is_open ? json_array() : json_pack("[{s:[]}, {s:[]}]", "token", "key"));

    schema_set(operation, "x-rate", json_string(r->rate));
    if (!is_open)
        schema_set(operation, "x-permission",
            json_pack("{s:s, s:s, s:s}", "namespace", r->nsp, "event", r->event, "action", r->action));
    schema_set(operation, "parameters", parameters_of(r));
    if (has_body(r)) schema_set(operation, "requestBody", body_of(r));
    schema_set(operation, "responses", answers_of(r));
    return operation;
}

static json_t *paths(void)
{
    json_t *all = json_object();

    for (size_t i = 0; i < COUNT(routes); i++) {
        char http[8] = "";
        for (size_t k = 0; k + 1 < sizeof http && routes[i].http[k]; k++) http[k] = (char)(routes[i].http[k] | 0x20);
        if (json_object_get(all, routes[i].path) == NULL) schema_set(all, routes[i].path, json_object());
        schema_set(json_object_get(all, routes[i].path), http, operation_of(&routes[i]));
    }
    return all;
}

static json_t *error_envelope(void)
{
    json_t *details = json_pack("{s:s, s:{s:{s:s, s:s}, s:{s:s, s:s}}}", "type", "object", "properties", "field",
        "type", "string", "description", "The field at fault", "retry_after_ms", "type", "integer", "description",
        "When to try again, if that may help");
    json_t *error = json_pack("{s:s, s:[s, s, s], s:{s:{s:s}, s:{s:s}, s:o}}", "type", "object", "required", "code",
        "message", "details", "properties", "code", "type", "string", "message", "type", "string", "details",
        schema_made(details));

    return schema_made(json_pack("{s:s, s:[s, s], s:{s:{s:b}, s:o}}", "type", "object", "required", "success", "error",
        "properties", "success", "const", 0, "error", schema_made(error)));
}

static json_t *response_of(int status)
{
    json_t *codes = json_array(), *text = NULL;

    for (enum err e = OK + 1; e < ERR_COUNT; e++) {
        if (err_status(e) != status) continue;
        schema_append(codes, json_string(err_code(e)));
        json_t *line = json_sprintf("%s%s`%s`: %s.", text == NULL ? "" : json_string_value(text),
            text == NULL ? "" : " ", err_code(e), err_text(e));
        json_decref(text);
        text = line;
    }
    return schema_made(json_pack("{s:o, s:o, s:{s:{s:o}}}", "description", text, "x-codes", codes, "content",
        "application/json", "schema", schema_ref("schemas", "error")));
}

static json_t *responses(void)
{
    json_t *all = json_object();
    char key[8];

    for (enum err e = OK + 1; e < ERR_COUNT; e++) {
        snprintf(key, sizeof key, "%d", err_status(e));
        if (json_object_get(all, key) == NULL) schema_set(all, key, response_of(err_status(e)));
    }
    return all;
}

static json_t *bearer(const char *format, const char *what)
{
    return json_pack(
        "{s:s, s:s, s:s, s:s}", "type", "http", "scheme", "bearer", "bearerFormat", format, "description", what);
}

json_t *openapi(void)
{
    json_t *schemas = json_pack("{s:o}", "error", error_envelope());

    for (size_t i = 0; i < COUNT(routes); i++) {
        const struct method *m = find_method(routes[i].method);
        if (has_body(&routes[i]) && routes[i].body_max >= 0) schema_add(schemas, m->req());
        if (routes[i].answer == ENVELOPE || routes[i].answer == BARE) schema_add(schemas, m->rep());
    }
    json_t *components = json_pack("{s:{s:o, s:o}, s:o, s:o}", "securitySchemes", "token",
        bearer("JWT", "A token from POST /auth/token"), "key",
        bearer("mdk_<id>_<secret>_<crc>", "An API key, from a server: it speaks for itself, as key:<id>"), "responses",
        responses(), "schemas", schemas);

    return schema_made(json_pack("{s:s, s:o, s:[{s:s}], s:o, s:o, s:o}", "openapi", "3.1.0", "info",
        spec_info("REST of the gateway. Every answer is one JSON object with `success` and either `data` or `error`."),
        "servers", "url", "/", "x-rates", spec_rates(), "paths", paths(), "components", schema_made(components)));
}
