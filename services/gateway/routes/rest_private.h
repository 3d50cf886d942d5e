/* rest_private.h - one HTTP request on its way, between the files of rest: rest.c asks, rest_login.c where a credential is
 * in the body, rest_upload.c where a file is; rest_answer.c answers, rest_download.c piece by piece. */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/http/http_server.h"
#include "libshared/policy/api_key.h"
#include "services/gateway/routes/routes_private.h"

#define TRACE_CHARS_MAX 64

struct rest {
    struct rest *prev, *next; /* while it is held */
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
    struct upload *upload;     /* the file on its way; NULL: none */
    struct download *download; /* the answer on its way; NULL: none, or it is whole */
    char trace[TRACE_CHARS_MAX + 1];
};

/* rest.c */
void rest_begin_wait(struct rest *rest);
void rest_end_wait(struct rest *rest);
void rest_forward(struct rest *rest, struct str body);
void rest_ask_service(struct rest *rest); /* the body is whole, and sent if it is a file */
struct principal rest_principal(const struct rest *rest);
bool rest_charge_call(struct rest *rest);                 /* by what its headers say */
bool rest_charge_bytes(struct rest *rest, int64_t bytes); /* of an answer */
bool rest_charge_chunks(struct rest *rest, size_t bytes); /* which its headers did not announce */

/* rest_login.c: the credential may have to wait for its turn. */
bool rest_is_login(const struct rest *rest);
void rest_present(struct rest *rest, struct str body);
enum err rest_count_malformed(struct rest *rest, enum err e); /* no credential was found in it: e, or rate_limited */

/* rest_upload.c */
enum err rest_upload_begin(struct rest *rest) MUST_CHECK; /* its headers are there; the body waits for the service */
void rest_upload_take(struct rest *rest, struct str bytes);
bool rest_upload_is_sent(
    struct rest *rest); /* the body is whole.  false: rest_ask_service() follows, or it was refused */
size_t rest_upload_uncharged(const struct rest *rest); /* bytes that came since the last charge */
/* What the row's method is told of it: `upload` and `name`. */
void rest_upload_give(struct rest *rest, struct arena *arena, struct wire_given_list *given);
void rest_upload_end(struct rest *rest);   /* it is the method's from now on */
void rest_upload_leave(struct rest *rest); /* the request ends; while there still is a connection */

/* rest_download.c */
void rest_download_begin(struct rest *rest, struct str body); /* the method's reply: a `source` */
void rest_download_write(struct rest *rest);
void rest_download_leave(struct rest *rest); /* as rest_upload_leave() */

/* What every answer has, and room for some more. */
struct rest_headers {
    struct http_header_out at[12];
    size_t n;
    char policy[96], left[96];
};
void rest_headers(const struct rest *rest, int status, struct rest_headers *out);
void rest_log(const struct rest *rest, int status, const char *code);

/* rest_answer.c: each of them ends the request. */
void rest_end(struct rest *rest); /* without an answer: the client hung up */
/* json: STR_NONE is no body. */
void rest_answer(struct rest *rest, int status, const char *code, struct str json, const struct http_header_out *more);
void rest_fail(struct rest *rest, enum err e);
void rest_fail_with(struct rest *rest, enum err e, const struct failure *failure, const struct http_header_out *more);
void rest_refuse(struct rest *rest, enum err e, const struct wire_error *why); /* rate_limited: by rest->rate */
