/*
 * http_private.h - HTTP/1.1 on a connection: one request after the other.
 *
 *      HEAD --> BODY --> HANDLER --> REPLY --> HEAD ...
 *        |        |                   ^ |
 *        |        +---(answered)------+ +--> DISCARD --> HEAD    the rest of a small body
 *        +---> WebSocket                +--> (the connection lingers)
 */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/http/conn_private.h"
#include "libshared/http/message/http_body.h"
#include "libshared/http/message/http_head.h"

enum http_state { HTTP_HEAD, HTTP_BODY, HTTP_HANDLER, HTTP_REPLY, HTTP_DISCARD };

struct http_mount {
    struct http_mount *next;
    struct str path; /* without a slash or star at its end */
    bool prefix;
    const struct http_handler *handler;
    void *arg;
};

/* An answer in pieces. */
struct http_stream {
    bool on, chunked, wants;
    bool measured; /* `left` bytes of its Content-Length are still to come */
    uint64_t left;
};

struct http {
    struct conn *conn;
    struct arena *arena;
    void *user;
    const struct http_mount *mount;
    enum http_state state;
    struct http_head head;
    struct str text; /* the head's, in the arena; STR_NONE: it is not whole */
    struct http_body decoder;
    struct buf body; /* where the handler wants it whole */
    size_t body_max;
    uint64_t body_seen, body_mark; /* bytes that came, and those when the timer last looked */
    uint64_t written_mark;         /* the same of the answer */
    struct http_stream stream;
    bool begun, replied, keep_alive, wants_continue;
    bool bare;     /* see http_refuse_bare() */
    bool collects; /* see http_collect() */
};

/* http.c */
extern const struct conn_protocol http_protocol;

/* http_host.c: is it a name of ours, or a path that has none? */
#define ACME_PATH STR("/.well-known/acme-challenge/") /* asked for over plain HTTP, to see whose host this is */
bool http_host_is_ours(struct http *http);

/* http_mount.c */
const struct http_mount *http_mount_find(const struct http_server *server, struct str path); /* NULL: none */
void http_mounts_free(struct http_server *server);

/* http_stream.c */
void http_stream_fill(struct http *http); /* the socket takes more */

/* http_reply.c */
struct http_answer {
    int status;
    const char *content_type;
    int64_t length; /* -1: not known */
    const struct http_header_out *extra;
    size_t n_extra;
    bool compressible, gzipped, chunked;
};
bool http_answer_has_body(const struct http *http, int status);
/* Status line and headers, and what they mean for the connection. */
void http_answer_head(struct http *http, const struct http_answer *answer);
void http_refuse(struct conn *conn, int status);                     /* an answer, then the end */
void http_refuse_as(struct conn *conn, enum err e);                  /* the same, where a status says too little */
void http_raw(struct conn *conn, const char *head, struct str body); /* head is status line and headers */
const char *http_status_text(int status);

/* upgrade.c */
bool upgrade_is_asked(const struct http *http);
bool upgrade_answer(struct http *http); /* true: the connection is a WebSocket's now, and the request is to be freed */
