/* openapi.c - REST, as OpenAPI 3.1. */
// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>
#include <string.h>

#include "services/tools/protodoc/protodoc.h"

enum openapi_answer { ENVELOPE, BARE, EMPTY, REDIRECT, STREAM, LINES, DRAWING, WRITTEN, PAGE, FORWARD, TUS };
enum takes { TAKES_JSON, TAKES_FLAT, TAKES_FIELDS, TAKES_FORM, TAKES_PART, TAKES_LINES };

/* Of a route: read into a field of the request, or set from one of the reply. */
struct cookie_of_route {
    const char *use, *name, *field;
};

/* clang-format off */
struct route { const char *http, *path, *service, *method, *who, *nsp, *event, *action, *rate, *doc, *cache; int status; enum takes takes; long body_max; enum openapi_answer answer; struct cookie_of_route cookies[8]; };
static const struct route routes[] = {
#define JSON(bytes) TAKES_JSON, bytes
#define FLAT(field, bytes) TAKES_FLAT, bytes
#define FIELDS(bytes) TAKES_FIELDS, bytes
#define PART TAKES_PART, -1
#define NDJSON TAKES_LINES, -1
#define FORM TAKES_FORM, -1 /* its service says how many */
#define NO_COOKIES
#define BEARS(cookie) { "borne", #cookie, "" },
#define THEN(form, next) FORWARD
#define READS(cookie, field) { "read", #cookie, #field },
#define SETS(cookie, field) { "set", #cookie, #field },
#define CLEARS(cookie) { "cleared", #cookie, "" },
#define NO_STORE "no-store"
#define REVALIDATE "private, no-cache"
#define FOREVER "public, max-age=31536000, immutable"
#define PUBLIC(seconds) "public, max-age=" #seconds
#define ROUTE(http, path, service, noun, verb, who, nsp, event, action, class, body, status, answer, cache, cookies, doc) \
    { #http, path, #service, #noun "." #verb, #who, nsp, event, #action, #class, doc, cache, status, body, answer, { cookies { NULL, NULL, NULL } } },
#include "proto/begin.def"
#include "proto/public.def"
#include "proto/end.def"
};
/* clang-format on */

static const char *cookie_called(const char *name)
{
    /* clang-format off */
#define COOKIE(name_, called, path, same_site, seconds, doc) if (strcmp(name, #name_) == 0) return called;
#include "proto/begin.def"
#include "proto/public.def"
#include "proto/end.def"
    /* clang-format on */
    return name;
}

static bool has_body(const struct route *r)
{
    return strcmp(r->http, "POST") == 0 || strcmp(r->http, "PUT") == 0 || strcmp(r->http, "PATCH") == 0;
}

static json_t *parameter(const struct wire_shape *s, const struct wire_field *f, bool in_path)
{
    json_t *made = json_pack("{s:s, s:s, s:b, s:o}", "name", f->name, "in", in_path ? "path" : "query", "required",
        in_path || f->required, "schema", schema_of_field(f));

    if (in_path) schema_set(made, "example", sample_of_field(s, f));
    return made;
}

static bool is_brought(const struct cookie_of_route *c)
{
    return strcmp(c->use, "read") == 0 || strcmp(c->use, "borne") == 0;
}

/* Where tus has what these fields of a request say. */
static const char *header_of(const char *field)
{
    static const char *const headers[][2] = { { "size", "Upload-Length" }, { "metadata", "Upload-Metadata" },
        { "at", "Upload-Offset" }, { "checksum", "Upload-Checksum" } };

    for (size_t i = 0; i < COUNT(headers); i++)
        if (strcmp(headers[i][0], field) == 0) return headers[i][1];
    return field;
}

static void append_header(json_t *parameters, const char *name, bool required, json_t *schema)
{
    schema_append(parameters,
        json_pack("{s:s, s:s, s:b, s:o}", "name", name, "in", "header", "required", required, "schema", schema));
}

static json_t *parameters_of(const struct route *r)
{
    json_t *parameters = json_array();

    const struct wire_shape *s = find_method(r->method)->req();

    if (r->answer == TUS)
        append_header(parameters, "Tus-Resumable", true, json_pack("{s:s, s:s}", "type", "string", "const", "1.0.0"));
    for (const struct wire_field *f = s->fields; f->name != NULL; f++) {
        bool in_path = schema_in_path(r->path, f);
        if (r->answer == TUS && !in_path)
            append_header(parameters, header_of(f->name), f->required, schema_of_field(f));
        else if (in_path || !has_body(r))
            schema_append(parameters, parameter(s, f, in_path));
    }
    for (const struct cookie_of_route *c = r->cookies; c->use != NULL; c++)
        if (is_brought(c))
            schema_append(parameters,
                json_pack("{s:s, s:s, s:o, s:{s:s}}", "name", cookie_called(c->name), "in", "cookie", "description",
                    c->field[0] != '\0' ? json_sprintf("Fills the field `%s`", c->field)
                                        : json_string("Who asks, instead of a token; each answer has the next one"),
                    "schema", "type", "string"));
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

static json_t *part_of(void)
{
    return json_pack("{s:s, s:b, s:{s:{}}}", "description", "The bytes from Upload-Offset on", "required", 1, "content",
        "application/offset+octet-stream");
}

static json_t *lines_to_read(void)
{
    return json_pack("{s:s, s:b, s:{s:{}}}", "description",
        "Lines as GET /api/v1/admin/rooms/{room}/export answers them", "required", 1, "content",
        "application/x-ndjson");
}

static json_t *body_of(const struct route *r)
{
    if (r->takes == TAKES_LINES) return lines_to_read();
    if (r->takes == TAKES_PART) return part_of();
    if (r->takes == TAKES_FORM) return form_of();
    const struct wire_shape *s = find_method(r->method)->req();
    json_t *schema = strchr(r->path, '{') == NULL ? schema_ref("schemas", s->name) : schema_of_record(s, r->path);

    char most[40];
    snprintf(most, sizeof most, "At most %ld bytes", r->body_max);
    return json_pack("{s:s, s:b, s:{s:{s:o, s:o}}}", "description", most, "required", 1, "content",
        r->takes == TAKES_FIELDS ? "application/x-www-form-urlencoded" : "application/json", "schema", schema,
        "example", sample_of_record(s, r->path));
}

static json_t *headers_of(const struct route *r)
{
    json_t *headers = json_pack("{s:{s:{s:s, s:s}}}", "Cache-Control", "schema", "type", "string", "const", r->cache);

    for (const struct cookie_of_route *c = r->cookies; c->use != NULL; c++)
        if (strcmp(c->use, "read") != 0)
            schema_set(headers, "Set-Cookie",
                json_pack("{s:s, s:{s:s}}", "description", cookie_called(c->name), "schema", "type", "string"));
    return schema_made(headers);
}

static json_t *bytes_of(const struct route *r)
{
    return json_pack("{s:s, s:o, s:{s:{}}}", "description", "Its bytes, or with `Range` some of them (206)", "headers",
        headers_of(r), "content", "application/octet-stream");
}

static json_t *drawing_of(const struct route *r)
{
    return json_pack(
        "{s:s, s:o, s:{s:{}}}", "description", "A picture", "headers", headers_of(r), "content", "image/svg+xml");
}

static json_t *written_of(const struct route *r)
{
    return json_pack("{s:s, s:o, s:{s:{}, s:{}, s:{}}}", "description", "A file, to be saved", "headers", headers_of(r),
        "content", "application/x-ndjson", "text/html", "text/plain");
}

static json_t *lines_of(const struct route *r)
{
    return json_pack("{s:s, s:o, s:{s:{}}}", "description",
        "Lines of JSON, as many as there are; the last one says that nothing is missing", "headers", headers_of(r),
        "content", "application/x-ndjson");
}

static json_t *page_of(const struct route *r)
{
    return json_pack("{s:s, s:o, s:{s:{}}}", "description", "A page for a person; or 303, to the page that follows",
        "headers", headers_of(r), "content", "text/html");
}

static json_t *success_of(const struct route *r)
{
    if (r->answer == STREAM) return bytes_of(r);
    if (r->answer == LINES) return lines_of(r);
    if (r->answer == WRITTEN) return written_of(r);
    if (r->answer == DRAWING) return drawing_of(r);
    if (r->answer == PAGE || r->answer == FORWARD) return page_of(r);
    if (r->answer == REDIRECT)
        return json_pack("{s:s, s:{s:{s:{s:s}}, s:{s:{s:s, s:s}}}}", "description", "It is at `Location`", "headers",
            "Location", "schema", "type", "string", "Cache-Control", "schema", "type", "string", "const", r->cache);
    if (r->answer == TUS)
        return json_pack("{s:s, s:o}", "description",
            "Nothing in its body; `Upload-Offset` and `Upload-Length` say how much is there, `Location` where it goes "
            "on",
            "headers", headers_of(r));
    if (r->answer == EMPTY)
        return json_pack("{s:s, s:o}", "description", "Nothing more to say", "headers", headers_of(r));
    const struct wire_shape *s = find_method(r->method)->rep();
    bool page = r->answer == ENVELOPE && wire_is_page(s); /* its meta stands beside the data */
    json_t *schema = page ? schema_of_record(s, "{meta}") : schema_ref("schemas", s->name);

    if (r->answer == ENVELOPE)
        schema = schema_made(json_pack("{s:s, s:[s, s], s:{s:{s:b}, s:o}}", "type", "object", "required", "success",
            "data", "properties", "success", "const", 1, "data", schema));
    if (page) schema_set(json_object_get(schema, "properties"), "meta", schema_ref("schemas", "page_meta"));
    return json_pack("{s:s, s:o, s:{s:{s:o}}}", "description", s->doc, "headers", headers_of(r), "content",
        "application/json", "schema", schema);
}

static bool can_answer(const struct route *r, int status)
{
    if (status == 405 || status == 431) return false;
    if (status == 412 || status == 460) return r->answer == TUS;
    if (status == 415 || status == 507) return has_body(r);
    if (status == 406)
        return r->answer == ENVELOPE || r->answer == LINES || r->answer == BARE || r->answer == PAGE ||
               r->answer == FORWARD;
    return status != 416 || r->answer == STREAM;
}

/* What is made may come later, and is then answered by an empty record. */
static bool may_be_later(const struct route *r)
{
    const struct wire_field *f = find_method(r->method)->rep()->fields;

    while (f->name != NULL && !f->required) f++;
    return r->status == 201 && r->answer == ENVELOPE && f->name == NULL;
}

static json_t *answers_of(const struct route *r)
{
    json_t *answers = json_object();
    char key[8];

    snprintf(key, sizeof key, "%d", r->status);
    schema_set(answers, key, success_of(r));
    if (may_be_later(r)) schema_set(answers, "202", success_of(r));
    for (enum err e = OK + 1; e < ERR_COUNT; e++) {
        snprintf(key, sizeof key, "%d", err_status(e));
        if (can_answer(r, err_status(e)) && json_object_get(answers, key) == NULL)
            schema_set(answers, key, schema_ref("responses", key));
    }
    return answers;
}

static json_t *security_of(const struct route *r)
{
    if (strcmp(r->who, "BEARER") == 0) return json_pack("[{s:[]}, {s:[]}]", "token", "key");
    if (strcmp(r->who, "SIGNED") == 0) return json_pack("[{s:[]}, {s:[]}, {}]", "token", "key");
    return strcmp(r->who, "PENDING") == 0 ? json_pack("[{s:[]}]", "token") : json_array();
}

static json_t *operation_of(const struct route *r)
{
    char id[80]; /* a method may be answered by two routes, in different ways */
    const char *way = r->answer == REDIRECT ? ".redirect" : r->answer == FORWARD ? ".form" : "";
    snprintf(id, sizeof id, "%s%s", r->method, way);
    json_t *operation = json_pack(
        "{s:s, s:s, s:[s], s:o}", "operationId", id, "summary", r->doc, "tags", r->service, "security", security_of(r));

    schema_set(operation, "x-rate", json_string(r->rate));
    if (r->event[0] != '\0')
        schema_set(operation, "x-permission",
            json_pack("{s:s, s:s, s:s}", "namespace", r->nsp, "event", r->event, "action", r->action));
    schema_set(operation, "parameters", parameters_of(r));
    if (has_body(r) && (r->answer != TUS || r->takes == TAKES_PART)) schema_set(operation, "requestBody", body_of(r));
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
        const struct contract_method *m = find_method(routes[i].method);
        if (has_body(&routes[i]) && routes[i].takes != TAKES_FORM && routes[i].takes != TAKES_LINES)
            schema_add(schemas, m->req());
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
