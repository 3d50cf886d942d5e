/* contract.c - who may call what, and what may be heard, as rows: for tests that hold an expectation against each. */
// SPDX-License-Identifier: Apache-2.0
#include "services/tools/protodoc/protodoc.h"

struct call_row {
    const char *service, *method, *callers;
};

struct contract_route {
    const char *http, *path, *service, *method, *who, *nsp, *event, *action, *body, *answer, *cache;
};

struct error_row {
    const char *code;
    int status;
};

/* clang-format off */
static const struct call_row calls[] = {
#define METHOD(noun, verb, req, rep, where, repeat, callers, doc) { OWNER, #noun "." #verb, callers },
#include "proto/all.def"
};

static const struct contract_route routes[] = {
#define ROUTE(http, path, service, noun, verb, who, nsp, event, action, class, body, status, answer, cache, cookies, doc) \
    { #http, path, #service, #noun "." #verb, #who, nsp, event, #action, #body, #answer, #cache },
#include "proto/begin.def"
#include "proto/public.def"
#include "proto/end.def"
};

static const struct error_row errors[] = {
#define ERROR(name, code, status, text) { code, status },
#include "proto/errors.def"
#undef ERROR
};
/* clang-format on */

static json_t *list_roles(void)
{
    json_t *list = json_array();

    /* clang-format off */
#define ROLE(name, doc) json_array_append_new(list, json_string(#name));
#include "proto/begin.def"
#include "proto/rooms.def"
#include "proto/end.def"
    /* clang-format on */
    return list;
}

static json_t *list_rights(void)
{
    json_t *list = json_array();

    /* clang-format off */
#define MAY(name, from, archived, doc) json_array_append_new(list, \
        json_pack("{s:s,s:s,s:b}", "right", #name, "from", #from, "stays", #archived[0] == 'S'));
#include "proto/begin.def"
#include "proto/rooms.def"
#include "proto/end.def"
    /* clang-format on */
    return list;
}

static json_t *list_histories(void)
{
    json_t *list = json_array();

    /* clang-format off */
#define HISTORY(name, first, late, back, gone, doc) json_array_append_new(list, json_pack("{s:s,s:s,s:s,s:s,s:s}", \
        "history", #name, "first", #first, "late", #late, "back", #back, "gone", #gone));
#include "proto/begin.def"
#include "proto/rooms.def"
#include "proto/end.def"
    /* clang-format on */
    return list;
}

static json_t *list_notifications(void)
{
    json_t *list = json_array();

    /* clang-format off */
#define NOTIFICATION(kind, one, told, doc) json_array_append_new(list, json_pack("{s:s,s:s,s:s}", \
        "kind", #kind, "one", #one, "told", #told));
#include "proto/begin.def"
#include "proto/notifications.def"
#include "proto/end.def"
    /* clang-format on */
    return list;
}

static json_t *list_webhook_events(void)
{
    json_t *list = json_array();

    /* clang-format off */
#define WEBHOOK_EVENT(kind, type, data, doc) json_array_append_new(list, json_pack("{s:s,s:s,s:s}", \
        "kind", kind, "type", type, "doc", doc));
#include "proto/begin.def"
#include "proto/webhooks.def"
#include "proto/end.def"
    /* clang-format on */
    return list;
}

static json_t *list_methods(void)
{
    json_t *list = json_array();

    for (size_t i = 0; i < COUNT(calls); i++)
        json_array_append_new(list, json_pack("{s:s,s:s,s:s}", "service", calls[i].service, "method", calls[i].method,
                                        "callers", calls[i].callers));
    return list;
}

static json_t *list_routes(void)
{
    json_t *list = json_array();

    for (size_t i = 0; i < COUNT(routes); i++) {
        const struct contract_route *r = &routes[i];
        json_array_append_new(
            list, json_pack("{s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s}", "http", r->http, "path", r->path,
                      "service", r->service, "method", r->method, "who", r->who, "namespace", r->nsp, "event", r->event,
                      "action", r->action, "body", r->body, "answer", r->answer, "cache", r->cache));
    }
    return list;
}

static json_t *list_events(void)
{
    json_t *list = json_array();

    for (const struct on *on = events; on->nsp != NULL; on++)
        json_array_append_new(
            list, json_pack("{s:s,s:s,s:s,s:s,s:s,s:s}", "namespace", on->nsp, "event", on->event, "service",
                      on->service, "method", on->method, "action", on->action, "effect", on->effect));
    return list;
}

static json_t *list_heard(void)
{
    json_t *list = json_array();

    for (const struct hear *h = heard; h->nsp != NULL; h++)
        json_array_append_new(list, json_pack("{s:s,s:s}", "namespace", h->nsp, "event", h->event));
    return list;
}

static json_t *list_errors(void)
{
    json_t *statuses = json_object();

    for (size_t i = 0; i < COUNT(errors); i++)
        json_object_set_new(statuses, errors[i].code, json_integer(errors[i].status));
    return statuses;
}

json_t *contract(void)
{
    return json_pack("{s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o}", "methods", list_methods(), "routes", list_routes(),
        "events", list_events(), "heard", list_heard(), "errors", list_errors(), "roles", list_roles(), "rights",
        list_rights(), "histories", list_histories(), "notifications", list_notifications(), "webhook_events",
        list_webhook_events());
}
