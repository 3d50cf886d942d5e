/*
 * session_private.h - a session, and what the files of Engine.IO share about it.
 *
 *      polling  --2probe, 5-->  websocket
 *         \                      /
 *          `----> ended <-------'      a closing session waits for a last poll, or for its Close frame to go out
 *
 * A session sends through its transport, a small table.  Beneath it is a request or a channel: see client_io.h.
 */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/base/before_sleep.h"
#include "libshared/base/holding.h"
#include "libshared/base/metrics.h"
#include "libshared/base/table.h"
#include "services/gateway/engineio/agents.h"
#include "services/gateway/engineio/client_io.h"
#include "libshared/http/address/address_count.h"

#include <ev.h>

/* What a session costs by being there, with its sockets and what knows of them. */
#define SESSION_BYTES     4096
/* A session that was closed while nobody polled keeps its last packets so long. */
#define LAST_POLL_MS      30000
/* Packets, besides bytes, that may wait: small ones have their cost too. */
#define QUEUE_PACKETS_MAX 65536
#define REASON_CLOSE      "transport close"
#define REASON_ERROR      "transport error"
#define REASON_PARSE      "parse error"
#define REASON_PING       "ping timeout"
#define REASON_FORCED     "forced close"
#define REASON_FLOOD      "flood"

struct eio_transport {
    const char *name;
    void (*flush)(struct eio_session *session);          /* what waits may go out soon */
    bool (*is_ready)(const struct eio_session *session); /* could a packet go out now? */
    /* The session has ended: say so to the client, politely or at once, and let the session go. */
    void (*end)(struct eio_session *session, bool politely, const char *why);
};

extern const struct eio_transport polling_transport, websocket_transport;

/* Milliseconds since some start; 0: none. */
struct deadlines {
    int64_t ping, pong, connect, upgrade, slow, last_poll, release;
};

struct eio_session {
    struct eio *eio;
    const struct eio_transport *transport;
    void *user;
    struct eio_request *poll, *post; /* the GET that waits, the POST that is read */
    struct eio_request *goodbye; /* the POST with the close packet ("1"), kept until the last GET has been answered */
    struct eio_channel *ws, *upgrading;
    struct eio_packet **queue; /* a ring */
    uint32_t head, count, capacity;
    size_t queued_bytes;
    size_t steps; /* since its queue was counted: see invariant.h */
    bool evicted; /* it, or what it would have been sent, holds too much */
    bool opened, probed, answer_probe, base64, slow, ended, closing, dirty;
    uint32_t heard_s; /* since it began */
    const char *reason;
    struct deadlines at;
    struct eio_session *dirty_next;
    struct eio_allowance allowance;
    bool stranger;                   /* it has not joined a namespace */
    uint16_t agent;                  /* agents.h */
    struct eio_session *prev, *next; /* among the strangers */
    ev_timer timer;
    UT_hash_handle hh;
    char sid[EIO_SID_CHARS + 1];
    char address[INET6_ADDRSTRLEN];
    struct in6_addr from; /* the address that it counts for, */
    bool counted;         /* unless false: that address has no limit */
    int64_t begun_us;
    struct holding holding;
};

struct eio {
    struct ev_loop *loop;
    struct eio_config config;
    struct eio_upper upper;
    struct eio_mesh mesh; /* http_begin NULL: none */
    struct eio_session *sessions, *dirty;
    struct address_count *addresses; /* how many sessions each address has */
    struct eio_session *strangers;   /* the oldest first */
    struct eio_walk *walks;          /* under way */
    struct agents *agents;
    size_t n_strangers;
    struct before_sleep before_sleep;
    bool polling, websocket; /* transports offered */
    struct eio_totals totals;
    struct metric *on_polling, *on_websocket, *upgraded, *not_upgraded, *floods, *strange_floods;
};

/* --- packet.c --- */
struct eio_packet *packet_raw(struct str text);                    /* type digit and all */
struct eio_packet *packet_base64(const struct eio_packet *binary); /* as "b..." for clients without binary frames */

/* One message, encoded once: the WebSocket header stands ready in front of its payload.  Here because each delivery asks. */
struct eio_packet {
    uint32_t refs;
    struct eio_packet *other_encoding;
    bool binary;
    uint8_t header_len; /* of the WS_HEADER_MAX bytes, the last ones */
    size_t payload_len; /* a text's digit is part of it */
    char bytes[];
};

#define ALLOCATION_BYTES 16 /* what the allocator needs for itself */

/* The bytes that it holds. */
static inline size_t packet_cost(const struct eio_packet *packet)
{
    return ALLOCATION_BYTES + sizeof *packet + WS_HEADER_MAX + packet->payload_len;
}

static inline bool packet_is_binary(const struct eio_packet *packet)
{
    return packet->binary;
}

static inline size_t packet_frame_length(const struct eio_packet *packet)
{
    return packet->header_len + packet->payload_len;
}

/* For ws_put_frame(). */
static inline struct str packet_frame(const struct eio_packet *packet)
{
    return (struct str){ packet->bytes + WS_HEADER_MAX - packet->header_len, packet_frame_length(packet) };
}

/* Without the frame's header. */
static inline struct str packet_payload(const struct eio_packet *packet)
{
    return (struct str){ packet->bytes + WS_HEADER_MAX, packet->payload_len };
}

/* --- session.c --- */
/* Of its queue; `i` is below `count`. */
static inline struct eio_packet *session_packet(const struct eio_session *session, uint32_t i)
{
    return session->queue[(session->head + i) & (session->capacity - 1)];
}

int64_t now_ms(void);
struct eio_session *session_open(struct eio *eio, const struct eio_transport *transport, struct http *http);
void session_check(struct eio_session *session);                   /* see invariant.h */
struct eio_session *session_find(struct eio *eio, struct str sid); /* NULL too if its time is over */
void session_count(struct eio_session *session, int n);            /* in /metrics, as one of its transport */
void session_free(struct eio_session *session);
void session_push(struct eio_session *session, struct eio_packet *packet); /* takes over the reference */
void session_pop(struct eio_session *session, uint32_t n);                 /* the first so many of its queue */
void session_drop_queue(struct eio_session *session);
/* The upper hears of it from the loop.  Politely: what waits goes out first. */
void session_end(struct eio_session *session, const char *reason, bool politely, const char *why);
void session_lead(struct eio_session *session); /* what its WebSocket holds is its owner's */
/* It holds too much: nothing that waits is sent any more. */
void session_evict(struct eio_session *session);
void session_greeted(struct eio_session *session); /* no stranger any more */
/* As many have joined namespaces as there may be connections. */
bool session_is_one_too_many(const struct eio *eio);
/* This client's address has as many as it may have. */
bool session_has_no_room(const struct eio *eio, const struct http *http);
void session_give_up(struct eio_session *session); /* no poll comes for the last packets of one that is closing */
/* May it be used from there, as its sockets have it? */
bool session_admits(struct eio_session *session, struct str address);
void session_move(struct eio_session *session, struct str address); /* it is used from there now */
void session_touch(struct eio_session *session);                    /* look at it before the loop sleeps */
void session_tell_closed(struct eio_session *session);
void session_arm(struct eio_session *session);           /* after a change of its deadlines */
bool session_is_over(const struct eio_session *session); /* no pong came in time */
void session_forget_upgrade(struct eio_session *session);
void session_abandon_upgrade(struct eio_session *session); /* closes that WebSocket only */

/* --- walk.c --- */
void walk_leave(const struct eio_session *session); /* it is about to be freed */

/* --- incoming.c --- */
void incoming_packet(struct eio_session *session, char type, struct str payload); /* a text packet */
void incoming_binary(struct eio_session *session, struct str bytes);
bool incoming_base64(struct eio_session *session, struct str text); /* false: it is none */

/* --- allowance.c --- */
/* A packet has come, or a request: may it be read?  false: the session has ended. */
bool allowance_take(struct eio_session *session, size_t bytes);
size_t allowance_message_max(const struct eio_session *session); /* of one message, or of one body */
void allowance_bound(const struct eio_session *session);         /* the same, for its WebSockets; it may have changed */

/* --- heartbeat.c --- */
void heartbeat_begin(struct eio_session *session);
void heartbeat_pong(struct eio_session *session);
void heartbeat_upgraded(struct eio_session *session);

/* --- polling.c --- */
/* It may come from there.  false: it was answered.  Else it has the session from now on, and its body may come. */
bool polling_begin(struct eio_session *session, struct eio_request *request, struct str address, struct str method,
    struct str content_type);
void polling_ready(struct eio_session *session, struct eio_request *request, struct str body);
void polling_gone(struct eio_session *session, struct eio_request *request);
void polling_flush(struct eio_session *session);    /* the end of a loop round */
void polling_upgraded(struct eio_session *session); /* no GET waits any more */

/* --- upgrade.c --- */
void upgrade_begin(struct eio_session *session, struct eio_channel *channel);
void upgrade_message(struct eio_session *session, bool binary, struct str bytes);
void upgrade_writable(struct eio_session *session);
void upgrade_lost(struct eio_session *session);

/* --- websocket.c --- */
void websocket_message(struct eio_session *session, bool binary, struct str bytes);
void websocket_writable(struct eio_session *session);

/* --- request.c: which requests are taken, and the errors --- */
enum eio_error { EIO_OK = -1, EIO_TRANSPORT, EIO_SID, EIO_METHOD, EIO_REQUEST, EIO_FORBIDDEN, EIO_VERSION };
const char *eio_error_text(enum eio_error e);
void request_refuse(struct eio_request *request, enum eio_error e);     /* with its own text */
int reply_error(struct http *http, enum eio_error e, const char *text); /* returns the status */
/* What the request is about: its session (NULL: a handshake), or the error.  EIO_SID: *sid is of no session here. */
enum eio_error request_verify(
    struct eio *eio, struct http *http, bool upgrade, struct eio_session **out, struct str *sid, const char **text);
enum eio_error request_verify_poll(struct eio *eio, struct str sid, struct str address, struct eio_session **out);

/* --- local.c: of this gateway --- */
int local_request_begin(struct eio_session *session, struct http *http); /* as a handler's `begin` returns */
struct eio_channel *local_channel(struct ws *ws);
