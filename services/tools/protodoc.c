/*
 * protodoc.c - prints the contract for people and for tools.
 *
 *      protodoc openapi      REST, as OpenAPI 3.1
 *      protodoc asyncapi     Socket.IO events, as AsyncAPI 3.0
 *      protodoc events       the same for a reader, in Markdown
 *      protodoc errors       every error code, in Markdown
 */
// SPDX-License-Identifier: Apache-2.0
#include <assert.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libshared/wire/records.h"
#include "libshared/wire/schema.h"

/* clang-format off */
static const struct wire_shape *(*const shapes[])(void) = {
#define RECORD(name, doc) name##_shape,
#include "proto/all.def"
};

struct method { const char *name; const struct wire_shape *(*req)(void), *(*rep)(void); };
static const struct method methods[] = {
#define METHOD(noun, verb, in, out, where, repeat, callers, doc) { #noun "." #verb, in##_shape, out##_shape },
#include "proto/all.def"
};

struct route { const char *http, *path, *service, *method, *who, *event, *action, *rate, *doc; int status; };
static const struct route routes[] = {
#define ROUTE(http, path, service, noun, verb, who, event, action, rate, status, doc) \
    { #http, path, #service, #noun "." #verb, #who, event, #action, #rate, doc, status },
#include "proto/begin.def"
#include "proto/public.def"
#include "proto/end.def"
};

struct on { const char *nsp, *event, *service, *method, *action, *effect, *rate, *doc; };
static const struct on events[] = {
#define ON(nsp, event, service, noun, verb, action, effect, rate, doc) \
    { nsp, event, #service, #noun "." #verb, #action, #effect, #rate, doc },
#include "proto/begin.def"
#include "proto/public.def"
#include "proto/end.def"
};

struct hear { const char *nsp, *event; const struct wire_shape *(*rec)(void); const char *doc; };
static const struct hear heard[] = {
#define HEAR(nsp, event, rec, doc) { nsp, event, rec##_shape, doc },
#include "proto/begin.def"
#include "proto/public.def"
#include "proto/end.def"
};

struct rate { const char *name; int count, seconds; const char *by, *doc; };
static const struct rate rates[] = {
#define RATE(name, count, seconds, by, doc) { #name, count, seconds, #by, doc },
#include "proto/begin.def"
#include "proto/public.def"
#include "proto/end.def"
};
/* clang-format on */

static const struct method *find_method(const char *name)
{
    for (size_t i = 0; i < COUNT(methods); i++)
        if (strcmp(methods[i].name, name) == 0) return &methods[i];
    abort(); /* tests/contract has proved that every face names a method */
}

/* --- OpenAPI --- */

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

static json_t *body_of(const struct route *r)
{
    const struct wire_shape *s = find_method(r->method)->req();
    json_t *schema = strchr(r->path, '{') == NULL ? schema_ref("schemas", s->name) : schema_of_record(s, r->path);

    return json_pack("{s:b, s:{s:{s:o}}}", "required", 1, "content", "application/json", "schema", schema);
}

/* Public keys are read by others' libraries, which want them without an envelope. */
static bool is_bare(const struct route *r)
{
    return strncmp(r->path, "/.well-known/", strlen("/.well-known/")) == 0;
}

static json_t *success_of(const struct route *r)
{
    const struct wire_shape *s = find_method(r->method)->rep();
    json_t *schema = schema_ref("schemas", s->name);

    if (!is_bare(r))
        schema = schema_made(json_pack("{s:s, s:[s, s], s:{s:{s:b}, s:o}}", "type", "object", "required", "success",
            "data", "properties", "success", "const", 1, "data", schema));
    return json_pack("{s:s, s:{s:{s:o}}}", "description", s->doc, "content", "application/json", "schema", schema);
}

static bool can_answer(const struct route *r, int status)
{
    return status != 405 && status != 431 && (status != 415 || has_body(r));
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
    json_t *operation = json_pack("{s:s, s:s, s:[s], s:o}", "operationId", r->method, "summary", r->doc, "tags",
        r->service, "security", is_open ? json_array() : json_pack("[{s:[]}, {s:[]}]", "token", "key"));

    schema_set(operation, "x-rate", json_string(r->rate));
    if (!is_open)
        schema_set(operation, "x-permission", json_pack("{s:s, s:s}", "event", r->event, "action", r->action));
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

static json_t *rate_classes(void)
{
    json_t *all = json_object();

    for (size_t i = 0; i < COUNT(rates); i++)
        schema_set(all, rates[i].name,
            json_pack("{s:s, s:i, s:i, s:s}", "description", rates[i].doc, "count", rates[i].count, "seconds",
                rates[i].seconds, "by", rates[i].by));
    return all;
}

static json_t *info(const char *what)
{
    return json_pack("{s:s, s:s, s:s, s:{s:s, s:s}}", "title", "Madang", "version", "1", "description", what, "license",
        "name", "Apache 2.0", "identifier", "Apache-2.0");
}

static json_t *bearer(const char *format, const char *what)
{
    return json_pack(
        "{s:s, s:s, s:s, s:s}", "type", "http", "scheme", "bearer", "bearerFormat", format, "description", what);
}

static json_t *openapi(void)
{
    json_t *schemas = json_pack("{s:o}", "error", error_envelope());

    for (size_t i = 0; i < COUNT(routes); i++) {
        const struct method *m = find_method(routes[i].method);
        if (has_body(&routes[i])) schema_add(schemas, m->req());
        schema_add(schemas, m->rep());
    }
    json_t *components = json_pack("{s:{s:o, s:o}, s:o, s:o}", "securitySchemes", "token",
        bearer("JWT", "A token from POST /auth/token"), "key",
        bearer("mdk_<id>_<secret>_<crc>", "An API key, from a server: it speaks for itself, as key:<id>"), "responses",
        responses(), "schemas", schemas);

    return schema_made(json_pack("{s:s, s:o, s:[{s:s}], s:o, s:o, s:o}", "openapi", "3.1.0", "info",
        info("REST of the gateway. Every answer is one JSON object with `success` and either `data` or `error`."),
        "servers", "url", "/", "x-rates", rate_classes(), "paths", paths(), "components", schema_made(components)));
}

/* --- AsyncAPI --- */

static json_t *message_of(const char *event, const char *doc, const char *record)
{
    return schema_made(
        json_pack("{s:s, s:s, s:o}", "name", event, "summary", doc, "payload", schema_ref("schemas", record)));
}

static json_t *channel_of(json_t *channels, const char *nsp)
{
    if (json_object_get(channels, nsp + 1) == NULL)
        schema_set(channels, nsp + 1, json_pack("{s:s, s:{}}", "address", nsp, "messages"));
    return json_object_get(channels, nsp + 1);
}

static void add_message(json_t *channels, const char *nsp, const char *name, json_t *message)
{
    schema_set(json_object_get(channel_of(channels, nsp), "messages"), name, message);
}

/* JSON Pointer has its own escapes, and our names need none of them. */
static json_t *message_ref(const char *nsp, const char *name)
{
    return json_pack("{s:o}", "$ref", json_sprintf("#/channels/%s/messages/%s", nsp + 1, name));
}

static json_t *operation(const char *action, const char *nsp, const char *name)
{
    return json_pack("{s:s, s:{s:o}, s:[o]}", "action", action, "channel", "$ref",
        json_sprintf("#/channels/%s", nsp + 1), "messages", message_ref(nsp, name));
}

static void add_emitted(json_t *channels, json_t *operations, json_t *schemas, const struct on *on)
{
    const struct method *m = find_method(on->method);
    json_t *ack = json_sprintf("%s.ack", on->event), *act = operation("receive", on->nsp, on->event);

    schema_add(schemas, m->req());
    schema_add(schemas, m->rep());
    add_message(channels, on->nsp, on->event, message_of(on->event, on->doc, m->req()->name));
    add_message(channels, on->nsp, json_string_value(ack),
        message_of(json_string_value(ack), "Its acknowledgement", m->rep()->name));
    schema_set(act, "reply",
        json_pack("{s:{s:o}, s:[o]}", "channel", "$ref", json_sprintf("#/channels/%s", on->nsp + 1), "messages",
            message_ref(on->nsp, json_string_value(ack))));
    schema_set(act, "x-permission", json_pack("{s:s, s:s}", "event", on->event, "action", on->action));
    schema_set(act, "x-rate", json_string(on->rate));
    schema_set(operations, on->event, act);
    json_decref(ack);
}

static json_t *asyncapi(void)
{
    json_t *channels = json_object(), *operations = json_object(), *schemas = json_object();

    for (size_t i = 0; i < COUNT(events); i++) add_emitted(channels, operations, schemas, &events[i]);
    for (size_t i = 0; i < COUNT(heard); i++) {
        schema_add(schemas, heard[i].rec());
        add_message(
            channels, heard[i].nsp, heard[i].event, message_of(heard[i].event, heard[i].doc, heard[i].rec()->name));
        schema_set(operations, heard[i].event, operation("send", heard[i].nsp, heard[i].event));
    }
    return schema_made(json_pack("{s:s, s:o, s:s, s:o, s:o, s:o, s:{s:o}}", "asyncapi", "3.0.0", "info",
        info("Socket.IO of the gateway. A channel is a namespace; a refused event is acknowledged with "
             "{\"error\":{...}}."),
        "defaultContentType", "application/json", "x-rates", rate_classes(), "channels", channels, "operations",
        operations, "components", "schemas", schemas));
}

/* --- Markdown --- */

static void print_kind(const struct wire_field *f)
{
    switch (f->kind) {
    case WIRE_INT:
        printf(f->max == INT64_MAX ? "integer from %" PRId64 : "integer, %" PRId64 " to %" PRId64, f->min, f->max);
        break;
    case WIRE_TIME: printf("milliseconds since 1970"); break;
    case WIRE_BOOL: printf("true or false"); break;
    case WIRE_TEXT: printf("text, %" PRId64 " to %" PRId64 " characters", f->min, f->max); break;
    case WIRE_BYTES: printf("base64, %" PRId64 " to %" PRId64 " bytes", f->min, f->max); break;
    case WIRE_ID: printf("id (UUID)"); break;
    case WIRE_ANY: printf("any JSON up to %" PRId64 " bytes", f->max); break;
    case WIRE_TEXTS: printf("up to %" PRId64 " texts of up to %" PRId64 " characters", f->max, f->item_max); break;
    case WIRE_IDS: printf("up to %" PRId64 " ids", f->max); break;
    case WIRE_LIST: printf("up to %" PRId64 " × [%s](#%s)", f->max, f->of()->name, f->of()->name); break;
    }
}

static void print_need(const struct wire_field *f)
{
    bool has_default = f->kind == WIRE_INT && f->fallback >= f->min && f->fallback <= f->max;

    if (f->required)
        printf("required");
    else if (f->kind == WIRE_BOOL)
        printf("%s if absent", f->fallback ? "true" : "false");
    else if (has_default)
        printf("%" PRId64 " if absent", f->fallback);
    else
        printf("optional");
}

static void print_record(const char *name)
{
    const struct wire_shape *s = NULL;

    for (size_t i = 0; i < COUNT(shapes); i++)
        if (strcmp(shapes[i]()->name, name) == 0) s = shapes[i]();
    printf("\n### %s\n\n%s.\n", s->name, s->doc);
    if (s->fields->name == NULL) return;
    printf("\n| field | kind | need | meaning |\n|---|---|---|---|\n");
    for (const struct wire_field *f = s->fields; f->name != NULL; f++) {
        printf("| `%s` | ", f->name);
        print_kind(f);
        printf(" | ");
        print_need(f);
        printf(" | %s |\n", f->doc);
    }
}

static void print_records(void)
{
    json_t *used = json_object(), *ignored;
    const char *name;

    for (size_t i = 0; i < COUNT(events); i++) {
        schema_add(used, find_method(events[i].method)->req());
        schema_add(used, find_method(events[i].method)->rep());
    }
    for (size_t i = 0; i < COUNT(heard); i++) schema_add(used, heard[i].rec());
    printf("\n## Records\n");
    json_object_foreach(used, name, ignored) print_record(name);
    json_decref(used);
}

static void print_emitted(void)
{
    printf("## To emit\n\nThe one argument is an object. With a callback, the answer is one object: the "
           "acknowledgement, or"
           " `{\"error\":{\"code\",\"message\",\"field\"?,\"retry_after_ms\"?}}` with a code of "
           "[errors.md](errors.md). Without a"
           " callback a refusal is heard as `error` on `/error`.\n\nAn event that stands not here, whose first "
           "argument is an object"
           " with a `room` that the socket has joined, is carried to the room's other sockets as it is.\n"
           "With `\"state\": true` in that object it is a newest value: who reads too slowly hears the last one of"
           " that name\nwhen he has caught up, where other such events are dropped for him.\n\n"
           "| namespace | event | argument | acknowledgement | permission | rate | meaning "
           "|\n|---|---|---|---|---|---|---|\n");
    for (size_t i = 0; i < COUNT(events); i++) {
        const struct method *m = find_method(events[i].method);
        printf("| `%s` | `%s` | [%s](#%s) | [%s](#%s) | `%s` | %s | %s |\n", events[i].nsp, events[i].event,
            m->req()->name, m->req()->name, m->rep()->name, m->rep()->name, events[i].action, events[i].rate,
            events[i].doc);
    }
}

static void print_events(void)
{
    printf("# Events\n\nPrinted from proto/ by `make docs`. Socket.IO v5 over Engine.IO v4; a stock `socket.io-client` "
           "connects with"
           " `auth: { token }`, the token from `POST /auth/token`.\n\n");
    print_emitted();
    printf("\n## To hear\n\n| namespace | event | argument | when |\n|---|---|---|---|\n");
    for (size_t i = 0; i < COUNT(heard); i++)
        printf("| `%s` | `%s` | [%s](#%s) | %s |\n", heard[i].nsp, heard[i].event, heard[i].rec()->name,
            heard[i].rec()->name, heard[i].doc);
    printf("\n## Rates\n\nBy address and by subject over all gateways that share a Redis; by socket where the socket "
           "is.\n\n"
           "| class | so many | in seconds | counted by | for |\n|---|---|---|---|---|\n");
    for (size_t i = 0; i < COUNT(rates); i++)
        printf(
            "| %s | %d | %d | %s | %s |\n", rates[i].name, rates[i].count, rates[i].seconds, rates[i].by, rates[i].doc);
    print_records();
}

static void print_errors(void)
{
    printf("# Errors\n\nPrinted from proto/errors.def by `make docs`. A code is stable for ever; the message is for "
           "people and may"
           " change.\n\n| code | HTTP status | meaning |\n|---|---|---|\n");
    for (enum err e = OK + 1; e < ERR_COUNT; e++)
        printf("| `%s` | %d | %s |\n", err_code(e), err_status(e), err_text(e));
}

static int print_json(json_t *json)
{
    int failed = json_dumpf(json, stdout, JSON_INDENT(2));

    putchar('\n');
    json_decref(json);
    return failed != 0;
}

int main(int argc, char **argv)
{
    const char *what = argc == 2 ? argv[1] : "";

    if (strcmp(what, "openapi") == 0) return print_json(openapi());
    if (strcmp(what, "asyncapi") == 0) return print_json(asyncapi());
    if (strcmp(what, "events") == 0)
        print_events();
    else if (strcmp(what, "errors") == 0)
        print_errors();
    else {
        fprintf(stderr, "usage: protodoc openapi|asyncapi|events|errors\n");
        return 2;
    }
    return 0;
}
