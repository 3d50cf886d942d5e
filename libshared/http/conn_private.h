/*
 * conn_private.h - one client connection, whatever is spoken on it, and the server that it belongs to.
 *
 *      transport --> conn --> conn_protocol: HTTP/1.1, and behind an upgrade WebSocket
 *
 * A connection reads, writes, waits and ends; what its bytes mean is its protocol's.  Nothing here knows which one that is.
 */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/base/before_sleep.h"
#include "libshared/base/buf.h"
#include "libshared/base/holding.h"
#include "libshared/http/address/address_count.h"
#include "libshared/http/address/address_rate.h"
#include "libshared/http/address/forwarded.h"
#include "libshared/http/http_server.h"
#include "libshared/http/tls/tls.h"

#include <ev.h>
#include <netinet/in.h>
#include <time.h>

struct accept_point;
struct http_mount;
struct conn;
struct origins;
struct transport;

/* Seconds: from a connection's beginning to its first head; what a last answer may take; what still comes after it. */
#define HEAD_SECONDS   10
#define REPLY_SECONDS  60
#define LINGER_SECONDS 2
/* Quiet for so long, a kept connection has most likely no request on its way. */
#define QUIET_SECONDS  0.2
/* What may be read before its protocol wants it, and thrown away behind a refused request. */
#define AHEAD_BYTES    65536
#define DISCARD_BYTES  4194304
/* The rest of a body that is read over, so that its connection can be kept. */
#define SMALL_BYTES    65536
/* What a connection costs by being there, by our measure; what TLS needs for it is an estimate of what OpenSSL keeps. */
#define CONN_BYTES     2048
#define TLS_BYTES      16384

struct conn_protocol {
    void (*bytes)(struct conn *conn, char *at, size_t len); /* they came; they may be changed in place */
    /* `out` is empty: put more there or into the scratch.  With the scratch empty, too, all before has gone out. */
    void (*writable)(struct conn *conn);
    void (*late)(struct conn *conn);    /* its timer fired */
    void (*gone)(struct conn *conn);    /* the end: free conn->state */
    void (*evicted)(struct conn *conn); /* it holds too much, and ends now: the last words; NULL: none */
};

struct conn {
    struct http_server *server;
    struct lws *link;
    struct conn *prev, *next;
    struct conn *dirty_next, *doomed_next, *line_prev, *line_next;
    const struct conn_protocol *protocol;
    void *state; /* the protocol's own; NULL until it has one */
    bool tls, redirects, blocked, paused, held, silent, dirty, doomed, reading;
    bool lingering, close_after; /* all is said; what still comes is thrown away */
    bool ahead;                  /* `in` came too early, and may be read now: it waits for the sweep */
    bool shaken;                 /* TLS is up, and it was counted */
    bool known;                  /* a request of its was somebody's who has an identity */
    bool waits;                  /* in the line of strangers; nothing is read meanwhile */
    bool awaits_header;          /* the proxy has not said yet whom it brings */
    bool awaits_hello;           /* TLS has not begun, and it has no link yet */
    ev_io hello;
    bool between;   /* answered, and nothing of a next request is here */
    struct buf in;  /* a head so far, or what came too early */
    struct buf out; /* an answer, or one large frame, from out_at on */
    size_t out_at, discarded;
    size_t gathered; /* what its protocol holds of a body or message */
    size_t unsent;   /* what the transport has not written yet */
    size_t holds;    /* these, `in` and `out`, as they are counted in the holding */
    struct holding holding;
    uint64_t written;
    ev_timer timer;
    struct in6_addr peer, client;   /* they differ behind a trusted proxy, from one request to the next */
    bool proxied, counted;          /* the peer is such a proxy; it counts as one of the client's */
    char address[INET6_ADDRSTRLEN]; /* the client's */
};

struct http_server {
    struct ev_loop *loop;
    struct http_server_config config;
    struct http_mount *mounts;
    const struct conn_protocol *protocol; /* which every connection begins with */
    struct transport *transport;
    struct tls tls;
    struct renewal {
        struct errand *errand; /* while the files are looked at */
        ev_timer timer;
        uint64_t mark;                  /* of the files as they were when they were read last */
        int64_t told[CERTIFICATES_MAX]; /* percent of its life that each had left when its end was last announced */
    } renewal;
    struct origins *origins;
    struct address_count *addresses; /* how many connections each address has */
    struct address_rate *rate;       /* and how fast they come */
    struct conn *line;               /* strangers, waiting for their share of a turn */
    int64_t share_us;                /* that they have used of it */
    struct accept_point *points;
    struct conn *conns, *dirty, **dirty_tail, *doomed;
    size_t n_conns, steps; /* see invariant.h */
    struct before_sleep before_sleep;
    char *scratch; /* what one connection writes in one go */
    size_t scratch_len;
    size_t swept;  /* bytes of the sweep that goes on, or went last; each write counts as some at least */
    char date[64]; /* the header line, and for which second it was made */
    time_t date_made;
    bool leaving; /* each answer is the last of its connection */
    bool filling; /* it is being written to */
};

/* conn.c */
struct conn *conn_create(struct http_server *server, bool tls, bool redirects);
void conn_free(struct conn *conn); /* at the end of its life, from `gone` */
void conn_bytes(struct conn *conn, char *at, size_t len);
void conn_take(struct conn *conn, char *at, size_t len);       /* by its protocol, as that is now */
void conn_keep(struct conn *conn, const char *at, size_t len); /* they came too early: until conn_resume() */
void conn_resume(struct conn *conn);
void conn_go_on(struct conn *conn);        /* read what was kept, now */
bool conn_open_holding(struct conn *conn); /* its client's address is known; false: there is no room for one more */
/* What it holds of a body or message now.  Not OK: there is no room for it. */
enum err conn_gather(struct conn *conn, size_t bytes) MUST_CHECK;
/* Count `in` and `out` as they are now.  Not OK: there is no room for them. */
enum err conn_hold(struct conn *conn) MUST_CHECK;
void conn_hold_anyway(struct conn *conn);       /* for what has to go out */
void conn_base(struct conn *conn, size_t more); /* what its protocol costs by being there */
void conn_writable(struct conn *conn);
void conn_touch(struct conn *conn); /* flush it before the loop sleeps */
void conn_flush(struct conn *conn);
void conn_timer(struct conn *conn, double seconds); /* 0 stops it */
void conn_doom(struct conn *conn);                  /* drop it before the loop sleeps */
void conn_kill(struct conn *conn);                  /* now: it is freed */
void conn_linger(struct conn *conn);                /* the end, after what is in `out` */
bool conn_sweep(struct http_server *server);        /* flush the dirty, kill the doomed; true: some are left */
void conn_pause(struct conn *conn);                 /* reads or not, as its flags say */
void conn_count(struct metric *metric, int64_t n);  /* NULL: nobody counts it */
void conn_tell_flooded(const struct http_server *server, const struct in6_addr *client);

/* renewal.c: certificates, from their files and again when those change. */
void renewal_begin(struct http_server *server); /* exits with one clear line if they are no good */
void renewal_stop(struct http_server *server);
void renewal_end(struct http_server *server); /* no connection is left */

/* share.c */
void share_await_hello(struct conn *conn, int fd); /* TLS begins when the client speaks, and its turn comes */
void share_bytes(struct conn *conn, char *at, size_t len);
void share_leave(struct conn *conn);          /* at the end of its life */
bool share_serve(struct http_server *server); /* at the end of a turn; true: some still wait */

/* cors.c */
struct origins *origins_create(const char *list, const char *own); /* NULL: pages have no business here at all */
void origins_destroy(struct origins *origins);
bool origins_exist(const struct origins *origins);
bool origins_any(const struct origins *origins);
bool origins_allow(const struct origins *origins, struct str origin);
/* What a browser says of the page that a request comes from; `reads`: it is a GET. */
struct sender {
    struct str origin, referer, site, mode, dest; /* Origin, Referer, Sec-Fetch-Site, -Mode, -Dest */
    bool reads;
};
bool sender_is_good(const struct origins *origins, const struct sender *sender);
bool origin_is_host(struct str origin, struct str host); /* a page of our own */

/* accept.c */
struct accept_point *accept_open(struct http_server *server, const char *address, bool tls, bool redirects);
void accept_drain(struct http_server *server);
void accept_close(struct http_server *server);
bool accept_is_welcome(struct http_server *server, const struct in6_addr *client); /* false: banned, or too fast */
void accept_begin(struct conn *conn, int fd);                                      /* what is spoken on it */

/* proxied.c: a proxy's connection begins with whom it brings. */
void proxied_await_header(struct conn *conn, int fd);
void proxied_leave(struct conn *conn); /* at the end of its life */

/* client_address.c: for which client a connection is counted.  false: that one has too many. */
bool client_address_begin(struct conn *conn, const struct in6_addr *peer);       /* it was accepted */
bool client_address_of_request(struct conn *conn, const struct http_head *head); /* a head was read */
void client_address_release(struct conn *conn); /* a proxy's connection is nobody's until its next request */
void client_address_end(struct conn *conn);
