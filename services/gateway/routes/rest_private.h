/* rest_private.h - one HTTP request on its way, between the files of rest: rest.c asks, rest_login.c where a credential is
 * in the body, rest_answer.c answers. */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/http/http_server.h"
#include "libshared/policy/api_key.h"
#include "services/gateway/routes/routes_private.h"

#define TRACE_CHARS_MAX 64

struct rest {
    struct routes *routes;
    struct http *http; /* NULL: the client hung up */
    const struct route_row *row;
    struct route_params params;
    struct rights rights; /* empty for ANYONE */
    int64_t began_us;
    bool waits;   /* for somebody's answer: `gone` leaves it to that */
    bool whole;   /* the body is there */
    bool allowed; /* by its policy, as the path alone says what is asked for */
    struct rate_state rate;
    char key[API_KEY_ID_CHARS + 1]; /* id of the API key in the body, */
    struct guess *guess;            /* that one is under way */
    char *body;                     /* while it waits for its turn */
    size_t body_len;
    char trace[TRACE_CHARS_MAX + 1];
};

/* rest.c */
void rest_begin_wait(struct rest *rest);
void rest_end_wait(struct rest *rest);
void rest_forward(struct rest *rest, struct str body);
bool rest_charge_call(struct rest *rest); /* by what its headers say */

/* rest_login.c: the credential may have to wait for its turn. */
bool rest_is_login(const struct rest *rest);
void rest_present(struct rest *rest, struct str body);
enum err rest_count_malformed(struct rest *rest, enum err e); /* no credential was found in it: e, or rate_limited */

/* rest_answer.c: each of them ends the request. */
void rest_end(struct rest *rest); /* without an answer: the client hung up */
void rest_answer(struct rest *rest, int status, const char *code, struct str json, const struct http_header_out *more);
void rest_fail(struct rest *rest, enum err e);
void rest_fail_with(struct rest *rest, enum err e, const struct failure *failure, const struct http_header_out *more);
void rest_refuse(struct rest *rest, enum err e, const struct wire_error *why); /* rate_limited: by rest->rate */
