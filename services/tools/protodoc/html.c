/* html.c - the interface as a page for people: REST and events, out of the same documents that tools get. */
// SPDX-License-Identifier: Apache-2.0
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "services/tools/protodoc/protodoc.h"

#define VERSION_PATH "/api/v1/"

static void put_char(char c)
{
    switch (c) {
    case '&': fputs("&amp;", stdout); break;
    case '<': fputs("&lt;", stdout); break;
    case '>': fputs("&gt;", stdout); break;
    case '"': fputs("&quot;", stdout); break;
    default: putchar(c);
    }
}

static void put_text(const char *text)
{
    for (; text != NULL && *text != '\0'; text++) put_char(*text);
}

/* Words, with code between backticks. */
static void put_prose(const char *text)
{
    bool code = false;

    for (; text != NULL && *text != '\0'; text++) {
        if (*text != '`') {
            put_char(*text);
            continue;
        }
        code = !code;
        fputs(code ? "<code>" : "</code>", stdout);
    }
}

static void put_element(const char *element, const char *text)
{
    printf("<%s>", element);
    put_text(text);
    printf("</%.*s>", (int)strcspn(element, " "), element);
}

static const char *text_of(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

/* --- records --- */

static const char *name_of_ref(const json_t *schema)
{
    const char *ref = text_of(schema, "$ref"), *slash = ref != NULL ? strrchr(ref, '/') : NULL;

    return slash != NULL ? slash + 1 : NULL;
}

static void put_link(const char *name)
{
    printf("<a href=\"#record-%s\">%s</a>", name, name);
}

static void put_bound(const json_t *schema, const char *key, const char *before, const char *after)
{
    const json_t *value = json_object_get(schema, key);

    if (json_is_integer(value)) printf("%s%lld%s", before, (long long)json_integer_value(value), after);
}

static void put_choices(const json_t *choices)
{
    size_t i;
    json_t *one;

    json_array_foreach(choices, i, one)
    {
        fputs(i == 0 ? ": " : ", ", stdout);
        if (json_is_string(one)) put_text(json_string_value(one));
    }
}

static void put_kind(const json_t *schema)
{
    const char *ref = name_of_ref(schema), *type = text_of(schema, "type");

    if (ref != NULL) {
        put_link(ref);
        return;
    }
    put_text(type != NULL ? type : "any");
    if (text_of(schema, "format") != NULL) printf(", %s", text_of(schema, "format"));
    put_bound(schema, "minLength", ", ", "");
    put_bound(schema, "maxLength", " to ", " characters");
    put_bound(schema, "minimum", ", from ", "");
    put_bound(schema, "maximum", " to ", "");
    put_choices(json_object_get(schema, "enum"));
    if (json_object_get(schema, "items") != NULL) {
        fputs(" of ", stdout);
        put_kind(json_object_get(schema, "items"));
        put_bound(schema, "maxItems", ", at most ", "");
    }
}

static bool is_among(const json_t *names, const char *name)
{
    size_t i;
    json_t *one;

    json_array_foreach(names, i, one) if (strcmp(json_string_value(one), name) == 0) return true;
    return false;
}

static void put_field(const char *name, const json_t *schema, bool required)
{
    printf("<tr><td><code>%s</code>%s</td><td>", name, required ? "" : "?");
    put_kind(schema);
    fputs("</td><td>", stdout);
    put_text(text_of(schema, "description"));
    fputs("</td></tr>\n", stdout);
}

static void put_record(const char *name, json_t *schema)
{
    json_t *properties = json_object_get(schema, "properties"), *field;
    const char *key;

    printf("<section id=\"record-%s\"><h3><code>%s</code></h3>", name, name);
    put_element("p", text_of(schema, "description"));
    if (json_object_size(properties) > 0) fputs("<table>", stdout);
    json_object_foreach(properties, key, field)
        put_field(key, field, is_among(json_object_get(schema, "required"), key));
    fputs(json_object_size(properties) > 0 ? "</table></section>\n" : "</section>\n", stdout);
}

/* --- REST --- */

static const json_t *schema_within(const json_t *content)
{
    const json_t *type = json_object_iter_value(json_object_iter((json_t *)content));

    return json_object_get(type, "schema");
}

/* What a record of the answer is, within its envelope or not. */
static const json_t *data_of(const json_t *schema)
{
    const json_t *data = json_object_get(json_object_get(schema, "properties"), "data");

    return data != NULL ? data : schema;
}

static void put_who(const json_t *operation)
{
    size_t i;
    json_t *one, *permission = json_object_get(operation, "x-permission");

    fputs("<p class=\"quiet\">", stdout);
    if (json_array_size(json_object_get(operation, "security")) == 0) fputs("Without a credential", stdout);
    json_array_foreach(json_object_get(operation, "security"), i, one)
        printf("%s%s", i == 0 ? "With: " : " or ", json_object_iter_key(json_object_iter(one)));
    if (text_of(permission, "event") != NULL) {
        printf(". Policy: <code>%s %s</code>", text_of(permission, "namespace"), text_of(permission, "event"));
    }
    if (text_of(operation, "x-rate") != NULL) printf(". Rate: %s", text_of(operation, "x-rate"));
    fputs("</p>", stdout);
}

static void put_parameters(const json_t *parameters)
{
    size_t i;
    json_t *one;

    if (json_array_size(parameters) == 0) return;
    fputs("<table>", stdout);
    json_array_foreach(parameters, i, one)
        put_field(text_of(one, "name"), json_object_get(one, "schema"), json_is_true(json_object_get(one, "required")));
    fputs("</table>", stdout);
}

static void put_example(const json_t *content)
{
    const json_t *type = json_object_iter_value(json_object_iter((json_t *)content));
    char *text = json_dumps(json_object_get(type, "example"), JSON_INDENT(2) | JSON_ENSURE_ASCII);

    if (text == NULL) return;
    put_element("pre", text);
    free(text);
}

static void put_answers(json_t *responses)
{
    const char *status;
    json_t *answer;

    json_object_foreach(responses, status, answer)
    {
        if (status[0] != '2' && status[0] != '3') continue;
        const json_t *schema = data_of(schema_within(json_object_get(answer, "content")));
        printf("<p>Answer: <b>%s</b> ", status);
        if (schema != NULL) put_kind(schema);
        fputs("</p>", stdout);
    }
}

static void put_operation(const char *path, const char *verb, const json_t *operation)
{
    const json_t *body = json_object_get(operation, "requestBody");

    printf("<details id=\"%s\"><summary><code><b class=\"verb\">", text_of(operation, "operationId"));
    for (const char *at = verb; *at != '\0'; at++) putchar(toupper((unsigned char)*at));
    printf("</b> %s</code> ", path);
    put_element("span", text_of(operation, "summary"));
    fputs("</summary>", stdout);
    put_who(operation);
    put_parameters(json_object_get(operation, "parameters"));
    if (body != NULL) {
        fputs("<p>Body: ", stdout);
        put_kind(schema_within(json_object_get(body, "content")));
        fputs("</p>", stdout);
        put_example(json_object_get(body, "content"));
    }
    put_answers(json_object_get(operation, "responses"));
    fputs("</details>\n", stdout);
}

/* What paths have in common that are about one thing: `/api/v1/rooms`, `/account`. */
static size_t group_len(const char *path)
{
    size_t skip = strncmp(path, VERSION_PATH, strlen(VERSION_PATH)) == 0 ? strlen(VERSION_PATH) : 1;

    return skip + strcspn(path + skip, "/");
}

static void put_group(json_t *paths, const char *group)
{
    const char *path, *verb;
    json_t *item, *operation;

    printf("<h3 id=\"of-%s\"><code>%s</code></h3>\n", group, group);
    json_object_foreach(paths, path, item)
    {
        if (group_len(path) != strlen(group) || strncmp(path, group, strlen(group)) != 0) continue;
        json_object_foreach(item, verb, operation) if (json_is_object(operation)) put_operation(path, verb, operation);
    }
}

/* In the order in which paths first name them. */
static json_t *groups_of(const json_t *paths)
{
    json_t *groups = json_object(), *item;
    const char *path;

    json_object_foreach((json_t *)paths, path, item)
    {
        char group[200];
        snprintf(group, sizeof group, "%.*s", (int)group_len(path), path);
        json_object_set_new(groups, group, json_null());
    }
    return groups;
}

static void put_rest(json_t *document)
{
    json_t *paths = json_object_get(document, "paths"), *groups = groups_of(paths), *nothing;
    const char *group;

    fputs("<h2 id=\"rest\">REST</h2>\n<p>", stdout);
    json_object_foreach(groups, group, nothing) printf("<a href=\"#of-%s\"><code>%s</code></a> ", group, group);
    fputs("</p>\n", stdout);
    json_object_foreach(groups, group, nothing) put_group(paths, group);
    json_decref(groups);
}

/* --- events --- */

static void put_channel(const char *name, const json_t *channel)
{
    const char *event;
    json_t *message;

    printf("<h3 id=\"namespace-%s\">Namespace <code>%s</code></h3><table>\n", name, text_of(channel, "address"));
    json_object_foreach(json_object_get(channel, "messages"), event, message)
    {
        printf("<tr><td><code>%s</code></td><td>", event);
        if (json_object_get(message, "payload") != NULL) put_kind(json_object_get(message, "payload"));
        fputs("</td><td>", stdout);
        put_text(text_of(message, "summary"));
        fputs("</td></tr>\n", stdout);
    }
    fputs("</table>\n", stdout);
}

static json_t *schemas_of(const json_t *document)
{
    return json_object_get(json_object_get(document, "components"), "schemas");
}

static void put_records(json_t *rest, json_t *live)
{
    json_t *schemas = json_copy(schemas_of(rest)), *schema;
    const char *name;

    json_object_update(schemas, schemas_of(live));
    fputs("<h2 id=\"records\">Records</h2>\n", stdout);
    json_object_foreach(schemas, name, schema) put_record(name, schema);
    json_decref(schemas);
}

void print_page(void)
{
    json_t *rest = openapi(), *live = asyncapi(), *channel;
    const char *name;

    fputs("<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" "
          "content=\"width=device-width, initial-scale=1\"><title>Madang: the interface</title>"
          "<link rel=\"stylesheet\" href=\"/api/docs.css\"></head><body><main>\n<h1>The interface</h1>\n<p>",
        stdout);
    put_prose(text_of(json_object_get(rest, "info"), "description"));
    fputs("</p>\n<p>", stdout);
    put_prose(text_of(json_object_get(live, "info"), "description"));
    fputs("</p>\n<p>For tools: <a href=\"/api/openapi.json\">OpenAPI</a>, <a href=\"/api/asyncapi.json\">AsyncAPI</a>. "
          "Here: <a href=\"#rest\">REST</a>, <a href=\"#events\">events</a>, <a href=\"#records\">records</a>.</p>\n",
        stdout);
    put_rest(rest);
    fputs("<h2 id=\"events\">Events</h2>\n", stdout);
    json_object_foreach(json_object_get(live, "channels"), name, channel) put_channel(name, channel);
    put_records(rest, live);
    fputs("</main></body></html>\n", stdout);
    json_decref(rest);
    json_decref(live);
}
