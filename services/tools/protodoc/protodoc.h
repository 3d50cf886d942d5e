/*
 * protodoc.h - what the files of protodoc share: the rows of the contract, and what is made of them.
 *
 *      main.c                which document is wanted
 *      openapi.c             REST, for tools              asyncapi.c   events, for tools
 *      contract.c            who may call and hear what, for tests
 *      markdown.c            events and errors, for a reader
 *      html.c                all of REST and events, as a page
 *      sample.c              examples
 *      spec.c                what both specifications have
 *      rows.c                the rows that more than one document is made of
 */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <jansson.h>

#include "libshared/wire/records.h"
#include "services/tools/protodoc/schema.h"

struct contract_method {
    const char *name;
    const struct wire_shape *(*req)(void), *(*rep)(void);
};

struct on {
    const char *nsp, *event, *service, *method, *action, *effect, *rate, *doc;
};

struct hear {
    const char *nsp, *event;
    const struct wire_shape *(*rec)(void);
    const char *doc;
};

struct contract_rate {
    const char *name;
    int64_t count, seconds;
    const char *by, *unit, *doc;
};

struct contract_class {
    const char *name;
    uint64_t rates; /* a bit for each row of rates[] */
};

/* rows.c: each table ends with an empty row. */
extern const struct on events[];
extern const struct hear heard[];
extern const struct contract_rate rates[];
extern const struct contract_class classes[];
const struct contract_method *find_method(const char *name);

/* spec.c */
json_t *spec_info(const char *what);
json_t *spec_rates(void);

/* openapi.c, asyncapi.c, contract.c: the caller's to release. */
json_t *openapi(void);
json_t *asyncapi(void);
json_t *contract(void);

/* markdown.c: on standard output. */
void print_events(void);
void print_errors(void);
void print_limits(void);
void print_jobs(void);
void print_alerts(void);
void print_entries(void);

/* html.c: on standard output. */
void print_page(void);
