/* asyncapi.c - Socket.IO events, as AsyncAPI 3.0. */
// SPDX-License-Identifier: Apache-2.0
#include "services/tools/protodoc/protodoc.h"

static json_t *message_of(const char *event, const char *doc, const struct wire_shape *record)
{
    return schema_made(json_pack("{s:s, s:s, s:o, s:[{s:o}]}", "name", event, "summary", doc, "payload",
        schema_ref("schemas", record->name), "examples", "payload", sample_of_record(record, "")));
}

/* A channel's name is also part of a JSON Pointer, and needs none of its escapes. */
static const char *name_of(const char *nsp)
{
    return *nsp == '/' ? nsp + 1 : "any";
}

static json_t *channel_of(json_t *channels, const char *nsp)
{
    if (json_object_get(channels, name_of(nsp)) == NULL)
        schema_set(channels, name_of(nsp), json_pack("{s:s, s:{}}", "address", nsp, "messages"));
    return json_object_get(channels, name_of(nsp));
}

static void add_message(json_t *channels, const char *nsp, const char *name, json_t *message)
{
    schema_set(json_object_get(channel_of(channels, nsp), "messages"), name, message);
}

static json_t *message_ref(const char *nsp, const char *name)
{
    return json_pack("{s:o}", "$ref", json_sprintf("#/channels/%s/messages/%s", name_of(nsp), name));
}

static json_t *operation(const char *action, const char *nsp, const char *name)
{
    return json_pack("{s:s, s:{s:o}, s:[o]}", "action", action, "channel", "$ref",
        json_sprintf("#/channels/%s", name_of(nsp)), "messages", message_ref(nsp, name));
}

static void add_emitted(json_t *channels, json_t *operations, json_t *schemas, const struct on *on)
{
    const struct contract_method *m = find_method(on->method);
    json_t *ack = json_sprintf("%s.ack", on->event), *act = operation("receive", on->nsp, on->event);

    schema_add(schemas, m->req());
    schema_add(schemas, m->rep());
    add_message(channels, on->nsp, on->event, message_of(on->event, on->doc, m->req()));
    add_message(
        channels, on->nsp, json_string_value(ack), message_of(json_string_value(ack), "Its acknowledgement", m->rep()));
    schema_set(act, "reply",
        json_pack("{s:{s:o}, s:[o]}", "channel", "$ref", json_sprintf("#/channels/%s", name_of(on->nsp)), "messages",
            message_ref(on->nsp, json_string_value(ack))));
    schema_set(act, "x-permission", json_pack("{s:s, s:s}", "event", on->event, "action", on->action));
    schema_set(act, "x-rate", json_string(on->rate));
    schema_set(operations, on->event, act);
    json_decref(ack);
}

/* The same event may be heard in two namespaces, for two reasons. */
static void add_heard(json_t *channels, json_t *operations, json_t *schemas, const struct hear *hear)
{
    json_t *name = json_sprintf("%s.%s", name_of(hear->nsp), hear->event);

    schema_add(schemas, hear->rec());
    add_message(channels, hear->nsp, hear->event, message_of(hear->event, hear->doc, hear->rec()));
    schema_set(operations, json_string_value(name), operation("send", hear->nsp, hear->event));
    json_decref(name);
}

json_t *asyncapi(void)
{
    json_t *channels = json_object(), *operations = json_object(), *schemas = json_object();

    for (const struct on *on = events; on->event != NULL; on++) add_emitted(channels, operations, schemas, on);
    for (const struct hear *hear = heard; hear->event != NULL; hear++) add_heard(channels, operations, schemas, hear);
    return schema_made(json_pack("{s:s, s:o, s:s, s:o, s:o, s:o, s:{s:o}}", "asyncapi", "3.0.0", "info",
        spec_info("Socket.IO of the gateway. A channel is a namespace; a refused event is acknowledged with "
                  "{\"error\":{...}}."),
        "defaultContentType", "application/json", "x-rates", spec_rates(), "channels", channels, "operations",
        operations, "components", "schemas", schemas));
}
