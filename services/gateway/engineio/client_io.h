/*
 * client_io.h - how a session reaches its client: requests and WebSockets, of this gateway or by way of another.
 *
 *      client -- http, ws --> listener ------------------ local.c --> request, channel --> session
 *      client -- http, ws --> another gateway -- mesh --> mesh/   --> request, channel --> session
 *
 * The creator of a request or channel keeps it alive until `answer` or `close` is called, or until it calls
 * eio_request_gone() or eio_channel_closed().
 */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <netinet/in.h>

#include "services/gateway/engineio/eio.h"

/* --- GET and POST of a session that exists --- */

struct eio_answer {
    int status;
    const char *content_type; /* NULL: none */
    struct str body;          /* valid during the call */
    bool no_store;
};

struct eio_request {
    /* Once; the session does not know it any more. */
    void (*answer)(struct eio_request *request, const struct eio_answer *answer);
    void (*dropped)(struct eio_request *request); /* instead: Engine.IO ends as a whole */
    struct eio_session *session;                  /* that holds it; NULL: none */
    size_t answer_max;                            /* no further packet is added to a body of so many bytes */
};

/* A whole request; answered now or later.  address: of its client; empty: not known. */
void eio_take_request(struct eio *eio, struct eio_request *request, struct str sid, struct str address,
    struct str method, struct str content_type, struct str body);
void eio_request_gone(struct eio_request *request);    /* its client hung up before the answer */
void eio_request_release(struct eio_request *request); /* a GET that waits is answered now, whatever there is */

struct str eio_subject(struct eio *eio, struct str sid); /* of a session; STR_NONE: it has none, or is none */

/* --- a session's WebSocket --- */

struct eio_channel;
struct eio_channel_way {
    /* Only within eio_channel_writable().  A ready frame; false: not taken, you will be called again. */
    bool (*put)(struct eio_channel *channel, struct str frame);
    void (*want_write)(struct eio_channel *channel); /* eio_channel_writable() will be called soon */
    void (*flush)(struct eio_channel *channel);      /* it is called now, if anything can be taken */
    bool (*is_blocked)(const struct eio_channel *channel);
    void (*bound)(struct eio_channel *channel, bool is_stranger); /* how large its client's messages may be */
    /* What the socket holds counts for the session's owner from now on. */
    void (*follow)(struct eio_channel *channel, const struct holding *session);
    /* After what was put; the session does not know it any more.  Code 0: a Close frame without one. */
    void (*close)(struct eio_channel *channel, int code, const char *reason);
};
struct eio_channel {
    const struct eio_channel_way *way;
    struct eio_session *session;
    char address[INET6_ADDRSTRLEN]; /* of its client; empty: not known */
    bool answers_probe;             /* it does so itself, before the session hears of the probe */
};

/* A frame of its client's came that ends no message: a ping, a pong, a fragment. */
void eio_channel_frame(struct eio_channel *channel);

/* A WebSocket for a session on polling.  false: it has none, wants none, or none from there; nothing was called. */
bool eio_take_upgrade(struct eio *eio, struct eio_channel *channel, struct str sid);
void eio_channel_message(struct eio_channel *channel, bool binary, struct str bytes);
void eio_channel_writable(struct eio_channel *channel);
void eio_channel_closed(struct eio_channel *channel); /* by its client, or lost */

/* --- what comes --- */

/* Of a session, or of a WebSocket that brings it another gateway's client: see allowance.c. */
struct eio_allowance {
    int64_t packets_us, bytes_us; /* when their buckets will have run empty */
    int64_t packets, bytes;       /* of a stranger, so far */
};
/* One packet or frame more.  NULL: it may be read; else why its connection is closed with 1008, which is counted. */
const char *eio_allowance_take(struct eio *eio, struct eio_allowance *allowance, bool is_stranger, size_t bytes);
/* Of one message. */
size_t eio_message_max(const struct eio *eio, bool is_stranger);

/* --- connections of this gateway --- */

/* First member of what http_user() and ws_user() point to, on an Engine.IO path. */
struct eio_http_user {
    void (*ready)(struct eio_http_user *user, struct http *http);
    void (*gone)(struct eio_http_user *user, struct http *http);
};
struct eio_ws_user;
struct eio_ws_reader {
    void (*message)(struct eio_ws_user *user, bool binary, struct str bytes);
    void (*frame)(struct eio_ws_user *user); /* one that ends no message */
    void (*writable)(struct eio_ws_user *user);
    void (*closed)(struct eio_ws_user *user);
};
struct eio_ws_user {
    const struct eio_ws_reader *reader;
};

/* Requests and WebSockets for a sid that is not ours. */
struct eio_mesh {
    void *arg;
    /* false: it takes none with this sid.  Else it is the request's user. */
    bool (*http_begin)(void *arg, struct http *http, struct str sid);
    bool (*ws_accept)(void *arg, struct str sid);
    void (*ws_open)(void *arg, struct ws *ws, struct str sid);
};
void eio_set_mesh(struct eio *eio, const struct eio_mesh *mesh);
void eio_refuse_sid(struct http *http); /* error 1 */
