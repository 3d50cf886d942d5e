/*
 * http_private.h - HTTP/1.1 on a connection: one request after the other.
 *
 *      HEAD --> BODY --> HANDLER --> REPLY --> HEAD ...
 *        |                  |
 *        +---> WebSocket    +---> (the connection lingers)
 */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/http/conn_private.h"
#include "libshared/http/http_body.h"
#include "libshared/http/http_head.h"

enum http_state { HTTP_HEAD, HTTP_BODY, HTTP_HANDLER, HTTP_REPLY };

struct http {
    struct conn *conn;
    struct arena *arena;
    void *user;
    enum http_state state;
    struct http_head head;
    struct http_body decoder;
    struct buf body;
    size_t body_max, body_mark; /* bytes there were when the timer last looked */
    uint64_t written_mark;      /* the same of the answer */
    bool begun, replied, keep_alive;
    bool bare; /* see http_refuse_bare() */
};

/* http.c */
extern const struct conn_protocol http_protocol;

/* http_reply.c */
void http_refuse(struct conn *conn, int status);                     /* an answer, then the end */
struct str http_refusal_text(struct arena *arena, int status);       /* an error object */
void http_raw(struct conn *conn, const char *head, struct str body); /* head is status line and headers */
const char *http_status_text(int status);

/* upgrade.c */
bool upgrade_is_asked(const struct http *http);
bool upgrade_answer(struct http *http); /* true: the connection is a WebSocket's now, and the request is to be freed */
