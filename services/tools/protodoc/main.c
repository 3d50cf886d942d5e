/*
 * main.c - protodoc prints the contract for people and for tools.
 *
 *      protodoc openapi      REST, as OpenAPI 3.1
 *      protodoc asyncapi     Socket.IO events, as AsyncAPI 3.0
 *      protodoc contract     methods, routes, events and what is heard, as rows, for tests
 *      protodoc events       the same for a reader, in Markdown
 *      protodoc errors       every error code, in Markdown
 *      protodoc limits       every rate and quota, in Markdown
 *      protodoc jobs         every kind of job, in Markdown
 *      protodoc alerts       every kind of alert, in Markdown
 *      protodoc entries      what a room's log is made of, and who may do what, in Markdown
 *      protodoc page         REST and events for a reader, in HTML
 */
// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>
#include <string.h>

#include "services/tools/protodoc/protodoc.h"

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
    if (strcmp(what, "contract") == 0) return print_json(contract());
    if (strcmp(what, "events") == 0)
        print_events();
    else if (strcmp(what, "errors") == 0)
        print_errors();
    else if (strcmp(what, "limits") == 0)
        print_limits();
    else if (strcmp(what, "jobs") == 0)
        print_jobs();
    else if (strcmp(what, "alerts") == 0)
        print_alerts();
    else if (strcmp(what, "entries") == 0)
        print_entries();
    else if (strcmp(what, "page") == 0)
        print_page();
    else {
        bool asked = strcmp(what, "--help") == 0;
        fputs("usage: protodoc openapi|asyncapi|contract|events|errors|limits|jobs|alerts|entries|page\n",
            asked ? stdout : stderr);
        return asked ? 0 : 2;
    }
    return 0;
}
