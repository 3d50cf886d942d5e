/* rows.h - the ROUTE and ON rows of proto/public.def as tables. */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/policy/policy_set.h"
#include "services/gateway/methods.h"
#include "services/gateway/rates/rates.h"

enum route_who {
    WHO_ANYONE,
    WHO_PROOF,
    WHO_BEARER,
    WHO_PENDING, /* a person, whose second factor is asked for */
    WHO_SIGNED   /* a token, or a signature in the query */
};
enum route_takes { TAKES_JSON, TAKES_FLAT, TAKES_FIELDS, TAKES_FORM, TAKES_PART, TAKES_LINES };
enum route_answer {
    ANSWER_ENVELOPE,
    ANSWER_BARE,
    ANSWER_EMPTY,
    ANSWER_REDIRECT,
    ANSWER_STREAM,
    ANSWER_LINES,
    ANSWER_DRAWING,
    ANSWER_WRITTEN,
    ANSWER_PAGE,
    ANSWER_THEN,
    ANSWER_TUS
};
#define LINES_TYPE "application/x-ndjson"
/* All but CALL keep what the socket sends about the room waiting: order.c. */
enum event_effect { EFFECT_CALL, EFFECT_CHANGE, EFFECT_JOIN, EFFECT_LEAVE, EFFECT_WATCH, EFFECT_UNWATCH };

struct cookie_row {
    const char *name, *path, *same_site;
    int64_t max_age_s;
};

/* A cookie and a field: of the request, which it fills; of the reply, which is set as it; or none: it is forgotten, or is the
 * credential. */
enum cookie_use { USE_NONE, USE_READ, USE_SET, USE_CLEARED, USE_BORNE };
#define ROUTE_COOKIES_MAX 7
struct route_cookie {
    enum cookie_use use;
    const struct cookie_row *cookie;
    const char *field;
};

#define ROUTE_PROOFS_MAX 3
struct route_row {
    const char *http, *path; /* path: {name} stands for one segment */
    enum peer_service service;
    enum method_index method;
    enum route_who who;
    const char *proof[ROUTE_PROOFS_MAX + 1]; /* PROOF: the fields that are the credential */
    const char *nsp, *event;                 /* what the policy is asked about; "": nothing */
    enum policy_action action;
    enum rate_class class;
    enum route_takes takes;
    const char *rest; /* FLAT: the field of what the record does not name */
    size_t body_max;
    int status;
    enum route_answer answer;
    const char *form, *next; /* THEN: the page that shows the form, and the one that follows */
    const char *cache_control;
    struct route_cookie cookies[ROUTE_COOKIES_MAX + 1]; /* ends with USE_NONE */
};

struct event_row {
    struct str nsp, event; /* with a NUL behind them */
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
/* Under which path all rows of its beginning lie, as http_mount() has it: "/api/" and a star, "/account".  false: there is no i-th row. */
#define ROUTE_PLACE_BYTES 64
bool route_place(size_t i, char out[ROUTE_PLACE_BYTES]);
bool route_is_streamed(const struct route_row *row); /* its body is a file, or a part of one */
bool route_is_page(const struct route_row *row);     /* a person reads its answers */
/* The row for a request; NULL: *allow holds the methods that the path has, "" if there is no such path. */
#define ROUTE_METHODS_BYTES 64
const struct route_row *route_find(
    struct str http, struct str path, struct route_params *params, char allow[ROUTE_METHODS_BYTES]);
const struct cookie_row *route_language_cookie(void);
/* The media types of the bodies that a row takes and answers; NULL: none, or it is the answer's own. */
const char *route_takes(const struct route_row *row);
const char *route_answers(const struct route_row *row);
size_t route_number(const struct route_row *row); /* among all, from 0 on */
size_t event_number(const struct event_row *row);
const struct event_row *event_row_find(struct str nsp, struct str event); /* NULL: none */
size_t event_row_names(struct str nsp, struct str *out, size_t max);      /* the events of a namespace */
