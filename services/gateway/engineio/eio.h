/*
 * eio.h - Engine.IO v4: sessions that live on polling requests or on a WebSocket, and move from one to the other.
 *
 *      listener (http, ws)  -->  eio session  -->  upper (Socket.IO, or an echo for the protocol suite)
 *
 * A packet is encoded once and sent to many sessions by reference.
 */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/http/http_server.h"

#define EIO_SID_CHARS 20

struct eio;
struct eio_session;
struct holding;

/* One message packet, counted.  Text is the payload without the digit 4. */
struct eio_packet;
struct eio_packet *eio_packet_text(struct str payload);
struct eio_packet *eio_packet_text_parts(const struct str *parts, size_t n); /* joined */
struct eio_packet *eio_packet_binary(struct str payload);
struct eio_packet *eio_packet_take(struct eio_packet *packet);
void eio_packet_drop(struct eio_packet *packet);
size_t eio_packet_bytes(const struct eio_packet *packet);
struct str eio_packet_text_payload(const struct eio_packet *packet); /* without the digit */
struct str eio_packet_binary_payload(const struct eio_packet *packet);
/* The same message as other clients want it, kept with it: made once for all of them.  Takes over the reference. */
struct eio_packet *eio_packet_other_encoding(const struct eio_packet *packet); /* NULL: not made yet */
void eio_packet_set_other_encoding(struct eio_packet *packet, struct eio_packet *other);

struct eio_upper {
    void *arg;
    /* May this client open a session?  NULL: yes; else why not, a constant.  May be left out. */
    const char *(*forbidden)(void *arg, struct http *http);
    /* A session opened; `http` (query, headers, address) is valid during the call.  Returns the session's user. */
    void *(*opened)(void *arg, struct eio_session *session, struct http *http);
    void (*message)(void *user, struct eio_session *session, bool binary, struct str bytes);
    /* A request or WebSocket of the session comes from another address than the one before: may it?  May be left out. */
    bool (*admits)(void *user, struct eio_session *session, struct str address);
    /* What waited for the socket has gone out, after it had waited beyond `queue_bytes`. */
    void (*drained)(void *user, struct eio_session *session);
    /* Once; forget the pointers.  reason: "transport close", "ping timeout"... (socket.io's own words) */
    void (*closed)(void *user, struct eio_session *session, const char *reason);
};

/* Every sid starts with these four characters of [A-Za-z0-9_-], so that another gateway can find its owner.  Random
 * unless it is set, once, before the first session. */
#define EIO_GATEWAY_CHARS 4
void eio_set_gateway_id(const char id[EIO_GATEWAY_CHARS]);
const char *eio_gateway_id(void);
/* Delay before a draining gateway closes this session, in [0, spread_ms).  Derived from the sid, so it needs no state. */
int64_t eio_drain_delay_ms(const char *sid, int64_t spread_ms);

struct eio_config {
    const char *transports; /* offered: "polling,websocket" or one of them; not kept */
    int64_t ping_interval_ms, ping_timeout_ms;
    int64_t upgrade_timeout_ms; /* how long an upgrade may take */
    int64_t connect_timeout_ms; /* how long a session may go without eio_connected() */
    int64_t max_payload;        /* bytes of a packet, as clients are told */
    int64_t connections_max, connections_per_address;
    int64_t queue_bytes, slow_ms; /* see eio_is_slow() */
    int64_t rate_percent;         /* of the four bounds below; 0: they don't hold */
    int64_t packets_per_s, bytes_per_s;
    int64_t stranger_packets, stranger_bytes; /* in all, before eio_connected() */
};

/* One for each path. */
struct eio *eio_create(struct ev_loop *loop, const struct eio_config *config, const struct eio_upper *upper);
void eio_destroy(struct eio **eio);
size_t eio_sessions(const struct eio *eio);

/* Since the start.  Packets and bytes are those of Engine.IO, pings too. */
#define EIO_REASONS_MAX 8
struct eio_totals {
    int64_t opened, packets_in, packets_out, bytes_in, bytes_out;
    struct {
        const char *reason;
        int64_t n;
    } closed[EIO_REASONS_MAX]; /* up to a NULL */
};
const struct eio_totals *eio_totals(const struct eio *eio);

/* Requests and WebSockets of an Engine.IO path; to be mounted with its struct eio. */
extern const struct http_handler eio_handler;

void eio_send(struct eio_session *session, struct eio_packet *packet);          /* takes a reference of its own */
void eio_send_volatile(struct eio_session *session, struct eio_packet *packet); /* only if it can go out now */
bool eio_is_ready(const struct eio_session *session);                           /* could it go out now? */
size_t eio_queued_bytes(const struct eio_session *session);
/* Over queue_bytes until drained; over twice as many, or slow for slow_ms, it is closed with "transport error". */
bool eio_is_slow(const struct eio_session *session);
/* Sends what waits, then a close packet or frame; `closed` is called from the loop, not from within. */
void eio_close(struct eio_session *session, const char *reason);
void eio_connected(struct eio_session *session); /* a namespace was joined: no connect timeout any more */
/* At once, for a client that broke the protocol: nothing more is sent but a Close frame with this reason. */
void eio_violation(struct eio_session *session, const char *why);
/* What is held for it: code that keeps something for it counts it here, and calls eio_overflow() when there is no room. */
struct holding *eio_holding(struct eio_session *session);
void eio_overflow(struct eio_session *session);
/* It has an identity: the first that is said.  Not OK: this subject holds too much. */
enum err eio_belongs(struct eio_session *session, struct str subject) MUST_CHECK;
const char *eio_sid(const struct eio_session *session);       /* a secret */
const char *eio_transport(const struct eio_session *session); /* "polling" or "websocket" */
struct str eio_address(const struct eio_session *session);    /* whose last request or WebSocket was taken */
void eio_each(struct eio *eio, void (*visit)(void *arg, struct eio_session *session), void *arg);
/* What its upper returned when it opened; NULL: it has ended. */
void *eio_user(const struct eio_session *session);
/* When it began, by the monotonic clock: of two sessions, of whatever path, the later one's is greater. */
int64_t eio_begun_us(const struct eio_session *session);
int64_t eio_heard_us(const struct eio_session *session); /* when something came from it last, to the second */
struct str eio_agent(const struct eio_session *session); /* of its handshake; STR_NONE: see agents.h */

/*
 * A walk over sessions from the one that began last to the first, in as many turns of the loop as it takes.  Those that
 * come meanwhile are not visited, those that end are left out.  Inside its owner, which may not move; eio NULL: of none.
 */
struct eio_walk {
    struct eio *eio;
    struct eio_session *next;
    struct eio_walk *prev_walk, *next_walk;
};
void eio_walk_begin(struct eio_walk *walk, struct eio *eio);
void eio_walk_end(struct eio_walk *walk);                       /* before its path is destroyed */
struct eio_session *eio_walk_next(const struct eio_walk *walk); /* NULL: that was all */
void eio_walk_pass(struct eio_walk *walk);                      /* to the one that began before */
