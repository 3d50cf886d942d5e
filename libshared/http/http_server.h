/*
 * http_server.h - sockets, TLS, HTTP and WebSocket framing for every process.
 *
 * Above it are requests (`struct http`) and WebSockets (`struct ws`).  Everything runs on the one loop thread.
 * It accepts on its own sockets with SO_REUSEPORT, so that another gateway process may share or take over the port.
 */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/base/buf.h"
#include "libshared/http/tls/certificates.h"

struct ev_loop;
struct in6_addr;
struct metric;
struct network_list;
struct arena;
struct http_server;
struct http;
struct holding;
struct ws;

struct http_header_out {
    const char *name;
    struct str value;
};

/* What answers a path's requests.  `arg` is the mount's. */
struct http_handler {
    const char *methods; /* such as "GET, HEAD": all others are answered 405; NULL: the handler looks itself */
    /* A request's headers are there, its body is not: 0 goes on; else this status is the answer, unless the handler
     * called http_reply() itself before it returned.  What `ready` or `gone` would undo must not be left behind by a
     * refusal.  A handler that has to ask somebody first calls http_pause() and returns 0: until it is taken back not one
     * byte of the body is accepted, nor "100 Continue" said. */
    int (*begin)(void *arg, struct http *http);
    /* The next piece of the body, valid during the call; http_pause() holds back the rest.  NULL, or `begin` said
     * http_collect(): the body is collected for http_body(). */
    void (*data)(void *arg, struct http *http, struct str bytes);
    /* The request is whole.  Answer now or later, once. */
    void (*ready)(void *arg, struct http *http);
    /* Of an answer in pieces: http_write() until it takes less.  NULL: answers are whole. */
    void (*writable)(void *arg, struct http *http);
    /* The client hung up before the answer was given, or its body was refused: forget the pointer. */
    void (*gone)(void *arg, struct http *http);
    /* What this path may be asked, such as "GET, HEAD", for OPTIONS; NULL: nothing is there.  No hook: `methods`. */
    const char *(*allows)(void *arg, struct http *http);
    const struct ws_handler *ws; /* NULL: no WebSockets here */
    const char
        *headers; /* lines that its answers have unless they say otherwise: "Referrer-Policy: no-referrer\n..." */
};

struct ws_handler {
    /* An upgrade: 0 accepts, else the status of the refusal; `body` (a constant or in the arena) is its text. */
    int (*accept)(void *arg, struct http *http, struct str *body);
    void (*open)(void *arg, struct ws *ws, struct http *http);                /* http is valid during the call only */
    void (*message)(void *arg, struct ws *ws, bool binary, struct str bytes); /* whole, at most message_max bytes */
    /* A frame came that ends no message: a ping, a pong, a fragment.  It has its cost, too; what it wants is done if the
     * WebSocket is not closed here.  NULL: nobody counts. */
    void (*frame)(void *arg, struct ws *ws);
    void (*writable)(void *arg, struct ws *ws); /* put what waits: ws_put_*() until it says stop */
    void (*closed)(void *arg, struct ws *ws);   /* forget the pointer */
};

/* A refusal as a person reads it. */
struct http_refusal_page {
    struct str html;    /* in the arena, or for ever */
    const char *policy; /* Content-Security-Policy */
};

/* Where somebody counts what the server does; each may be NULL. */
struct http_server_metrics {
    struct metric *connections, *accepted, *refused, *bytes_in, *bytes_out;
    struct metric *full_shares; /* turns of the loop in which strangers would have had more than their share */
    struct metric *tls_full, *tls_resumed;      /* handshakes */
    struct metric *life_left[CERTIFICATES_MAX]; /* percent, of each certificate in the order of the setting */
};

/* What OPTIONS is answered besides, of a path and those below it; they live as long as the server. */
struct http_options {
    const char *path; /* NULL: nothing */
    const struct http_header_out *headers;
    size_t n; /* at most HTTP_OPTIONS_MAX */
};
#define HTTP_OPTIONS_MAX 8

/* How the trusted proxies say whose a request is.  Only one of them is read: a proxy passes on what it does not write itself. */
enum proxies_say { PROXIES_SAY_FORWARDED_FOR, PROXIES_SAY_FORWARDED, PROXIES_SAY_FIRST /* PROXY protocol */ };

/* Texts and lists have to live as long as the server. */
struct http_server_config {
    const char *https, *http;        /* addresses, such as "127.0.0.1:8443", ":8443"; NULL or "": none */
    const char *redirect_to;         /* plain HTTP redirects to this URL; NULL: it serves everything, too */
    const char *tls_cert, *tls_key;  /* lists, separated by commas: see certificates_read() */
    const unsigned char *tls_secret; /* TICKETS_SECRET_BYTES that all share who may resume; NULL: this one's own */
    double certificate_seconds;      /* so often the files are looked at; 0: only when told to */
    const char
        *hosts; /* our names besides own_origin's, separated by commas: others are answered 421; "": all are ours */
    const char *any_host;   /* the path that is served by any name, such as "/healthz"; NULL: none */
    const char *own_origin; /* of our own pages; NULL: there are none */
    const char *origins;    /* whose pages may talk to us besides, separated by commas; "*": any */
    struct http_options options;
    /* What a browser gets in the place of an error object, where somebody follows a link or types an address; NULL: the object. */
    void (*refusal_page)(
        struct arena *arena, int status, const char *code, struct str accept_language, struct http_refusal_page *out);
    const struct network_list *trusted_proxies; /* NULL: none */
    enum proxies_say proxies_say;
    /* Is this client one whom nobody serves?  Its connections are closed before TLS, its requests through a proxy and on
     * older connections are answered `banned`.  Never asked about the proxies themselves; NULL: nobody is. */
    bool (*bans)(void *arg, const struct in6_addr *client);
    void *bans_arg;
    /* A connection of it is refused, for they come too fast or are too many; NULL: nobody is told. */
    void (*flooded)(void *arg, const struct in6_addr *client);
    void *flooded_arg;
    /* So much of the life of a certificate is left: told when that is little, with each percent, and when it is much again.  `i`
     * is its place in the setting.  NULL: nobody is told. */
    void (*certificate_ends)(void *arg, size_t i, const char *path, int64_t percent, bool is_little);
    void *certificate_ends_arg;
    int64_t connections_max, connections_per_address;
    int64_t connects_per_s; /* new ones of one address, and connections_per_address at once; 0: as fast as they like */
    int descriptors_max;    /* a connection gets none above this, which are kept for others; 0: any */
    bool idle_gives_way;    /* over connections_max the one that idles longest is closed, not the new one */
    double idle_seconds;    /* how long a connection may idle between two requests; 0: 65 */
    size_t body_max, message_max; /* of one body, unless its handler says otherwise; of one WebSocket message */
    bool uncounted;               /* what its connections hold is little, and nobody counts it: see base/holding.h */
    bool compress, deflate;       /* answers by gzip, messages by permessage-deflate */
    struct http_server_metrics metrics;
};

/* Binds what the configuration says; exits with one clear line for a busy port or a bad certificate. */
struct http_server *http_server_create(struct ev_loop *loop, const struct http_server_config *config);
void http_server_destroy(struct http_server **at);
/* Takes what is in the accept queue, then closes the sockets.  From now on each answer ends its connection; those that
 * are kept for a next request end soon. */
void http_server_stop_accepting(struct http_server *server);
void http_server_reload_certificates(struct http_server *server); /* whether or not they look changed */
size_t http_server_connections(const struct http_server *server);

/* Before the loop runs.  "/a" and "/a/" are that path, with and without a slash; with a star at its end it is all that
 * begins so.  The longest that fits has the request, from its headers to its end.  Path and handler live as long as the server.  What
 * fits none is answered 404. */
void http_mount(struct http_server *server, const char *path, const struct http_handler *handler, void *arg);

/* --- requests; texts live until the reply or `gone` --- */
struct str http_method(const struct http *http);
/* What the handler has to do: a HEAD is a GET, of whose answer the server leaves the body out. */
struct str http_verb(const struct http *http);
struct str http_range(struct http *http);       /* the header of a GET; of all else it says nothing (RFC 9110 14.2) */
struct str http_path(const struct http *http);  /* without the query, percent-decoded is up to the reader */
struct str http_query(const struct http *http); /* raw, without the ? */
bool http_param(struct http *http, const char *name, struct str *out);  /* percent-decoded; the last one wins */
struct str http_header(struct http *http, const char *lower_case_name); /* STR_NONE if absent */
int64_t http_content_length(const struct http *http);                   /* as announced; -1: it comes in chunks */
struct str http_body(const struct http *http);
struct str http_address(const struct http *http); /* of the client, as text; behind a trusted proxy as that has it */
/* The same, for limits; NULL: a trusted proxy asks for itself, and has none. */
const struct in6_addr *http_limited(const struct http *http);
bool http_is_tls(const struct http *http);
struct arena *http_arena(struct http *http);
/* What its connection holds: until the answer is written it may be somebody's who is known. */
struct holding *http_holding(struct http *http);
/* In `begin`: a bad body is refused with the status alone, as Engine.IO has it, and not with an error object. */
void http_refuse_bare(struct http *http);
void http_collect(struct http *http);                    /* in `begin`: this body is wanted whole */
void http_set_body_max(struct http *http, size_t bytes); /* in `begin`; config.body_max by default */
/* Holds back the body, from `begin` or `data` on; the client soon can send no more.  An answer takes it back. */
void http_pause(struct http *http, bool pause);
/* May it bring cookies, get some, or be a form?  What is no GET has to come from a page of ours or of the list, and what
 * reads from there, or from somebody who follows a link: so no other site's page acts with its visitor's authority. */
bool http_sender_is_good(struct http *http);
void http_set_user(struct http *http, void *user);
void *http_user(const struct http *http);

/* Copies what it is given; the request and its texts are gone when it returns.
 * Content-Length, CORS (by the allowlist), security headers, keep-alive and compression are added here. */
void http_reply(struct http *http, int status, const char *content_type, struct str body,
    const struct http_header_out *extra, size_t n_extra);

/* A browser goes there, and a person reads the answer: by its Accept, as programs ask for anything or for JSON. */
bool http_wants_page(struct http *http);
/* The error object, or for people the page, that a status has where no interface knows a better one. */
void http_reply_refusal(struct http *http, int status, const struct http_header_out *extra, size_t n_extra);

/* The same in pieces; length -1: not known yet.  The handler's `writable` follows, not from within.  false: no body is
 * wanted (HEAD, 204, 304), and that was the answer. */
bool http_reply_begin(struct http *http, int status, const char *content_type, int64_t length,
    const struct http_header_out *extra, size_t n_extra);
/* Only within `writable`.  Returns how many bytes were taken; after fewer than were given `writable` comes again. */
size_t http_write(struct http *http, struct str bytes);
void http_want_write(struct http *http); /* there is something again: `writable` will be called soon */
void http_reply_end(struct http *http);  /* all is written; forget the request */
void http_abort(struct http *http);      /* it cannot be finished: the client sees that it is cut; `gone` follows */

/* --- WebSockets --- */
void ws_set_user(struct ws *ws, void *user);
void *ws_user(const struct ws *ws);
struct str ws_address(const struct ws *ws);
const struct in6_addr *ws_limited(const struct ws *ws); /* as http_limited() */
struct holding *ws_holding(struct ws *ws);
void ws_want_write(struct ws *ws); /* ws_writable will be called soon */
/* Only within ws_writable.  A ready frame is header and payload as made by ws_frame_header(); false: enough for this
 * round, this one was not taken; you will be called again. */
bool ws_put_frame(struct ws *ws, struct str frame);
void ws_flush(struct ws *ws);            /* ws_writable is called now, unless the socket is full */
bool ws_is_blocked(const struct ws *ws); /* something waits that the socket did not take */
/* Of what comes, inflated; config.message_max by default, and at most. */
void ws_set_message_max(struct ws *ws, size_t bytes);
void ws_pause(struct ws *ws, bool pause); /* no message comes from it any more; or again */
/* In ws_open: its 101 waits, and all that is put behind it, until this is taken back.  A close takes it back. */
void ws_silence(struct ws *ws, bool silent);
/* After what was put; no message comes any more, ws_closed follows.  Code 0: a Close frame without one. */
void ws_close(struct ws *ws, int code, const char *reason);
#define WS_HEADER_MAX 10
size_t ws_frame_header(char out[WS_HEADER_MAX], bool binary, size_t payload_len); /* returns its length */
