/*
 * conn.h - one client connection, and what the listener's own files share about it.
 *
 *      HEAD --> BODY --> UPPER --> REPLY --> HEAD ...        HTTP/1.1, one request after the other
 *        |                           |
 *        +------> WS ----------------+--> LINGER --> (gone)  all is said; what still comes is thrown away
 */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "services/gateway/listener/forwarded.h"
#include "services/gateway/listener/http_body.h"
#include "services/gateway/listener/http_head.h"
#include "services/gateway/listener/listener.h"
#include "services/gateway/listener/peers.h"
#include "services/gateway/listener/ws_frame.h"

#include <ev.h>
#include <netinet/in.h>

struct accept_point;
struct metric;
struct origins;
struct transport;

/* Seconds.  A request's head, and an idle keep-alive connection, may take so long; a body has to bring so many bytes
 * in each such period; a peer that reads nothing of an answer is dropped. */
#define HEAD_SECONDS   10
#define IDLE_SECONDS   65
#define BODY_SECONDS   10
#define BODY_LEAST     10240
#define REPLY_SECONDS  60
#define LINGER_SECONDS 2
/* Quiet for so long, a kept connection has most likely no request on its way. */
#define QUIET_SECONDS  0.2
/* What may be read ahead of an unanswered request, and thrown away behind a refused one. */
#define AHEAD_BYTES    65536
#define DISCARD_BYTES  4194304
/* Bodies and messages that are read however many others are under way. */
#define SMALL_BYTES    65536
/* Pongs that may wait for one peer. */
#define CONTROL_BYTES  32768

enum conn_state { CONN_HEAD, CONN_BODY, CONN_UPPER, CONN_REPLY, CONN_WS, CONN_LINGER };

struct http {
    struct conn *conn;
    struct arena *arena;
    void *user;
    struct http_head head;
    struct http_body decoder;
    struct buf body;
    size_t body_max, body_mark; /* bytes there were when the timer last looked */
    bool begun, replied, keep_alive;
    bool bare; /* see http_refuse_bare() */
};

struct ws {
    struct conn *conn;
    void *user;
    struct ws_frame_reader reader;
    struct buf message; /* fragments, or a frame that came in pieces */
    struct buf control; /* pongs and the Close frame that wait to be written */
    bool deflate;       /* permessage-deflate was agreed */
    bool close_sent, close_received, wants, told;
};

struct conn {
    struct listener *listener;
    struct lws *link;
    struct conn *prev, *next;
    struct conn *dirty_next, *doomed_next;
    enum conn_state state;
    bool tls, redirects, blocked, paused, held, silent, dirty, doomed, reading, close_after;
    bool ahead;     /* `in` came too early, and may be read now: it waits for the sweep */
    bool between;   /* answered, and nothing of a next request is here */
    struct buf in;  /* a head so far, or what came too early */
    struct buf out; /* an answer, or one large frame, from out_at on */
    size_t out_at, discarded, gathered;
    ev_timer timer;
    struct http *http;
    struct ws *ws;
    struct in6_addr peer, client;   /* they differ behind a trusted proxy, from one request to the next */
    bool proxied, counted;          /* the peer is such a proxy; it counts as one of the client's */
    char address[INET6_ADDRSTRLEN]; /* the client's */
};

struct listener {
    struct ev_loop *loop;
    struct listener_upper upper;
    struct transport *transport;
    struct origins *origins;
    struct peers *peers; /* how many connections are whose */
    double full_said;    /* when the log last had an address with too many */
    struct accept_point *points;
    struct conn *conns, *dirty, **dirty_tail, *doomed;
    size_t n_conns, gathered; /* bytes of what has not come whole */
    ev_prepare prepare;
    ev_idle more;  /* keeps the loop from sleeping while the dirty list is not empty */
    char *scratch; /* what one connection writes in one go */
    size_t scratch_len;
    bool leaving; /* each answer is the last of its connection */
    bool filling; /* somebody is writing into it */
    struct metric *gauge, *accepted, *refused, *bytes_in, *bytes_out;
};

/* conn.c */
struct conn *conn_create(struct listener *listener, bool tls, bool redirects);
void conn_free(struct conn *conn); /* at the end of its life, from `gone` */
void conn_bytes(struct conn *conn, char *at, size_t len);
void conn_take(struct conn *conn, char *at, size_t len);       /* as the state is now */
void conn_keep(struct conn *conn, const char *at, size_t len); /* they came too early: until conn_resume() */
void conn_resume(struct conn *conn);
/* What it holds of a body or message now.  false: there is too much under way, and this is not one of the small ones. */
bool conn_gather(struct conn *conn, size_t bytes);
void conn_writable(struct conn *conn);
void conn_touch(struct conn *conn); /* flush it before the loop sleeps */
void conn_flush(struct conn *conn);
void conn_timer(struct conn *conn, double seconds); /* 0 stops it */
void conn_doom(struct conn *conn);                  /* drop it before the loop sleeps */
void conn_linger(struct conn *conn);                /* the end, after what is in `out` */
void conn_sweep(struct listener *listener);         /* flush the dirty, kill the doomed */
void conn_pause(struct conn *conn);                 /* reads or not, as its state says */

/* http.c */
void http_bytes(struct conn *conn, char *at, size_t len);
void http_written(struct conn *conn); /* the answer has gone out */
void http_late(struct conn *conn);    /* its timer fired */
void http_free(struct conn *conn);    /* tells the upper if a request is unfinished */

/* http_reply.c */
void http_refuse(struct conn *conn, int status);                     /* an answer, then the end */
struct str http_refusal_text(struct arena *arena, int status);       /* an error object */
void http_raw(struct conn *conn, const char *head, struct str body); /* head is status line and headers */
const char *http_status_text(int status);

/* upgrade.c */
bool upgrade_is_asked(const struct http *http);
void upgrade_answer(struct http *http);

/* ws.c */
void ws_bytes(struct conn *conn, char *at, size_t len);
void ws_fill(struct conn *conn); /* puts what waits into the scratch */
void ws_late(struct conn *conn);
void ws_free(struct conn *conn);

/* cors.c */
struct origins *origins_create(const char *list);
void origins_destroy(struct origins *origins);
bool origins_any(const struct origins *origins);
bool origins_allow(const struct origins *origins, struct str origin);
bool origin_is_host(struct str origin, struct str host); /* a page of our own */

/* accept.c */
struct accept_point *accept_open(struct listener *listener, const char *address, bool tls, bool redirects);
void accept_drain(struct listener *listener);
void accept_close(struct listener *listener);

/* whose.c: whose a connection is.  false: he has too many. */
bool whose_begin(struct conn *conn, const struct in6_addr *peer); /* it was accepted */
bool whose_request(struct conn *conn);                            /* a head was read */
void whose_answered(struct conn *conn);                           /* until the next one a proxy's is nobody's */
void whose_end(struct conn *conn);
