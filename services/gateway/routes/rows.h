/* rows.h - the ROUTE and ON rows of proto/public.def as tables. */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/policy/policy_set.h"
#include "services/gateway/methods.h"
#include "services/gateway/rates/rates.h"

enum route_who { WHO_ANYONE, WHO_BEARER };
enum route_takes { TAKES_JSON, TAKES_FORM };
enum route_answer { ANSWER_ENVELOPE, ANSWER_BARE, ANSWER_EMPTY, ANSWER_REDIRECT, ANSWER_STREAM };
/* All but CALL keep what the socket sends about the room waiting: order.c. */
enum event_effect { EFFECT_CALL, EFFECT_CHANGE, EFFECT_JOIN, EFFECT_LEAVE };

struct route_row {
    const char *http, *path; /* path: {name} stands for one segment */
    enum peer_service service;
    enum method_index method;
    enum route_who who;
    const char *nsp, *event; /* what the policy is asked about; "": nothing */
    enum policy_action action;
    enum rate_class class;
    enum route_takes takes;
    size_t body_max;
    int status;
    enum route_answer answer;
    const char *cache_control;
};

struct event_row {
    const char *nsp, *event;
    enum peer_service service;
    enum method_index method;
    enum policy_action action;
    enum event_effect effect;
    enum rate_class class;
};

#define ROUTE_PARAMS_MAX 4
struct route_params {
    size_t n;
    struct {
        struct str name, value;
    } at[ROUTE_PARAMS_MAX];
}; /* values still encoded */

/* Does the path fit this row?  Fills params. */
bool route_fits(const struct route_row *row, struct str path, struct route_params *params);
/* The row for a request; NULL: *allow holds the methods that the path has, "" if there is no such path. */
const struct route_row *route_find(struct str http, struct str path, struct route_params *params, char allow[64]);
/* The media types of the bodies that a row takes and answers; NULL: none, or it is the answer's own. */
const char *route_takes(const struct route_row *row);
const char *route_answers(const struct route_row *row);
const struct event_row *event_row_find(struct str nsp, struct str event); /* NULL: none */
size_t event_row_names(struct str nsp, struct str *out, size_t max);      /* the events of a namespace */
