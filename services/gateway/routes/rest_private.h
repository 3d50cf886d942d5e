/*
 * rest_private.h - one HTTP request on its way, between the files of rest:
 *
 *      rest.c            from the headers to the call of the service
 *      rest_admit.c      who asks, what it costs them, and whether they may
 *          rest_visit.c  by the cookie of a session
 *          rest_proof.c  by a credential in the body
 *      rest_upload.c     a file in the body
 *          rest_tus.c    one that comes in parts
 *      rest_intake.c     lines in the body, part by part
 *      rest_cookies.c    what the browser keeps
 *      rest_condition.c  fields that are headers: If-Match, ETag
 *      rest_session.c    how often a session is refreshed
 *      rest_reply.c      the service's reply becomes an answer
 *          rest_page.c      for people
 *          rest_download.c  piece by piece
 *          rest_lines.c     part by part, until there is no more
 *      rest_answer.c     headers, status and text of an answer or a refusal
 */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/http/http_server.h"
#include "libshared/policy/api_key.h"
#include "services/gateway/routes/routes_private.h"

#define TRACE_CHARS_MAX   64
#define RATE_HEADER_BYTES 320 /* a name, numbers, and the partition's key in base64 */

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
    bool indexed; /* its answer is a page that search engines may list */
    bool allowed; /* by its policy, as the path alone says what is asked for */
    struct rate_state rate;
    char key[API_KEY_ID_CHARS + 1];  /* id of the API key in the body, */
    struct guess *guess;             /* that one is under way */
    char session[ID_TEXT_BYTES + 1]; /* that its refresh token names; empty: it is no refresh */
    char *body;                      /* while it waits for its turn */
    size_t body_len;
    struct form_upload *upload; /* the file on its way; NULL: none */
    struct download *download;  /* the answer on its way; NULL: none, or it is whole */
    struct line_flow *lines;    /* the same of lines */
    struct line_intake *intake; /* lines of the body, which a service takes; NULL: none */
    bool sets_cookies;          /* fields of the reply that its row names go into cookies, not into the body */
    struct http_header_out cookies[ROUTE_COOKIES_MAX]; /* of the answer, if it is no refusal */
    size_t n_cookies;
    struct str visit; /* the cookie that its session is gone on with; of no address: as it was; empty: it is over */
    enum err refused; /* why its form is shown again */
    struct http_header_out refused_more;
    char trace[TRACE_CHARS_MAX + 1];
};

/* What every answer has, and room for some more. */
struct rest_headers {
    struct http_header_out at[20];
    size_t n;
    char policy[RATE_HEADER_BYTES], left[RATE_HEADER_BYTES];
};

/* rest.c */
void rest_begin_wait(struct rest *rest);
void rest_end_wait(struct rest *rest);
void rest_forward(struct rest *rest, struct str body);
void rest_ask_service(struct rest *rest); /* the body is whole, and sent if it is a file */

/* rest_admit.c */
bool rest_wants_token(const struct rest *rest);
void rest_authenticate(struct rest *rest); /* by its headers; rest_admit() follows, or it was refused */
void rest_admit(struct rest *rest);        /* the caller and its rights are known: is the body to come? */
struct principal rest_principal(const struct rest *rest);
bool rest_is_allowed(const struct rest *rest, struct str room);                  /* by its policy */
bool rest_charge_call(struct rest *rest);                                        /* by what its headers say */
bool rest_body_is_packed(const struct rest *rest);                               /* and nobody here unpacks it */
bool rest_charge_bytes(struct rest *rest, int64_t bytes);                        /* of an answer */
bool rest_charge_bytes_to(struct rest *rest, struct str subject, int64_t bytes); /* of one without a token */
bool rest_charge_chunks(struct rest *rest, size_t bytes); /* which its headers did not announce */
bool rest_charge_items(struct rest *rest, int64_t items);

/* rest_reply.c */
void rest_take_reply(void *arg, enum err status, struct str body);

/* rest_proof.c: the credential may have to wait for its turn. */
bool rest_has_proof(const struct rest *rest); /* by its row */
void rest_present(struct rest *rest, struct str body);
enum err rest_count_malformed(struct rest *rest, enum err e); /* no credential was found in it: e, or rate_limited */

/* rest_condition.c: headers that are fields, where the request's record has them, such as If-Match; that it is HEAD is the field `head`.
 * The reply's field `etag` is a header. */
void rest_give_headers(struct rest *rest, const struct wire_shape *shape, struct wire_given_list *given);
enum err rest_read_etag(struct rest *rest, struct str body, struct str *out) MUST_CHECK; /* STR_NONE: it has none */
void rest_put_etag(struct rest_headers *headers, struct str etag);
/* rest_session.c: how often a session is refreshed.  What a token names is believed once auth has taken the token, so nobody
 * uses up another's. */
bool rest_session_may(struct rest *rest, const struct wire_shape *shape, const void *record);
void rest_session_count(struct rest *rest);

/* rest_cookies.c */
enum err rest_check_sender(struct rest *rest) MUST_CHECK; /* by its headers: may it bring what it brings? */
/* What its row reads of its cookies, unless the body says it. */
enum err rest_give_cookies(
    struct rest *rest, struct str json, struct wire_given_list *given, struct wire_error *why) MUST_CHECK;
/* The request is whole: is it a browser's, that wants its reply's secrets as cookies? */
enum err rest_choose_cookies(struct rest *rest, const struct wire_shape *shape, const void *record) MUST_CHECK;
/* The reply's fields that its row sets as cookies leave it. */
enum err rest_set_cookies(struct rest *rest, const struct wire_shape *shape, void *record) MUST_CHECK;

/* rest_visit.c: who asks, by the cookie of a session */
bool rest_is_visit(const struct rest *rest);
void rest_authenticate_visit(struct rest *rest); /* rest_admit() follows, or it was refused */
void rest_put_visit(const struct rest *rest, struct rest_headers *headers); /* also with a refusal */

/* rest_page.c */
/* What the gateway alone says to a page: its language, and why it is shown again, if it is. */
void rest_give_page(struct rest *rest, const struct wire_shape *shape, struct wire_given_list *given);
bool rest_is_page(const struct rest *rest);           /* a person reads its answer, whatever that is */
bool rest_is_read_by_person(const struct rest *rest); /* a page, or what a browser goes to */
void rest_answer_page(
    struct rest *rest, struct str body); /* the method's reply: a `web_page`, or what has one in `page` */
void rest_refuse_page(struct rest *rest, enum err e, const struct failure *failure, const struct http_header_out *more);
void rest_follow(struct rest *rest, struct str body); /* a form was taken: its cookies, and the page that follows */

/* rest_upload.c */
enum err rest_upload_begin(
    struct rest *rest, struct wire_error *why) MUST_CHECK; /* its headers are there; the body waits for the service */
void rest_upload_take(struct rest *rest, struct str bytes);
bool rest_upload_is_sent(
    struct rest *rest); /* the body is whole.  false: rest_ask_service() follows, or it was refused */
size_t rest_upload_uncharged(const struct rest *rest); /* bytes that came since the last charge */
/* What the row's method is told of it: `upload` and `name`. */
void rest_upload_give(struct rest *rest, struct arena *arena, struct wire_given_list *given);
void rest_upload_end(struct rest *rest);   /* it is the method's from now on */
void rest_upload_leave(struct rest *rest); /* the request ends; while there still is a connection */

/* rest_intake.c */
enum err rest_intake_begin(struct rest *rest, struct wire_error *why) MUST_CHECK; /* its headers are there */
void rest_intake_take(struct rest *rest, struct str bytes);
void rest_intake_end(struct rest *rest);   /* the body is whole */
void rest_intake_leave(struct rest *rest); /* as rest_upload_leave() */

/* rest_tus.c: uploads that go on where they stopped, by tus 1.0, for rows that answer TUS */
enum err rest_tus_check(struct rest *rest) MUST_CHECK; /* does the client speak it? */
/* Fields of the request that its headers say. */
void rest_tus_give(struct rest *rest, const struct wire_shape *shape, struct wire_given_list *given);
void rest_tus_headers(const struct rest *rest, struct rest_headers *headers); /* of each answer, refusals too */
void rest_tus_answer(struct rest *rest, struct str body);

/* rest_download.c */
void rest_download_begin(struct rest *rest, struct str body); /* the method's reply: a `source` */
void rest_answer_written(struct rest *rest, struct str body); /* the method's reply: a `written_file` */
void rest_download_write(struct rest *rest);
void rest_download_leave(struct rest *rest); /* as rest_upload_leave() */

/* rest_lines.c */
void rest_lines_begin(struct rest *rest, struct str body); /* the method's reply: `json_lines` */
void rest_lines_write(struct rest *rest);
void rest_lines_leave(struct rest *rest); /* as rest_upload_leave() */

void rest_headers(const struct rest *rest, int status, struct rest_headers *out);
void rest_headers_add(struct rest_headers *headers, const char *name, struct str value);
void rest_log(const struct rest *rest, int status, const char *code,
    int64_t bytes); /* and count it; bytes: of the answer's body */

/* rest_answer.c: each of them ends the request. */
void rest_end(struct rest *rest); /* without an answer: the client hung up */
/* All of it is there: log, leave, reply. */
void rest_finish(struct rest *rest, int status, const char *code, const char *type, struct str body,
    const struct rest_headers *headers);
/* json: STR_NONE is no body. */
void rest_answer(struct rest *rest, int status, const char *code, struct str json, const struct http_header_out *more);
void rest_fail(struct rest *rest, enum err e);
void rest_fail_with(struct rest *rest, enum err e, const struct failure *failure, const struct http_header_out *more);
void rest_refuse(struct rest *rest, enum err e, const struct wire_error *why); /* rate_limited: by rest->rate */
