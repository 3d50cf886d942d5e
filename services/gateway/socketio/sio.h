/*
 * sio.h - Socket.IO: sockets in namespaces, many on one Engine.IO session.
 *
 *      eio session --packets--> sio session --+-- socket in /       --> struct sio_namespace of /
 *                                             +-- socket in /chat   --> struct sio_namespace of /chat
 *
 *      socket:  CONNECT --> pending --sio_accept--> open --DISCONNECT, sio_disconnect, end of the session--> closed
 *                              +-----sio_refuse--> closed
 *
 * Whatever breaks the protocol ends the whole session ("parse error").  Clients speak text, or msgpack: a codec each.
 */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "services/gateway/socketio/packet.h"

struct sio;
struct sio_socket; /* counted: see sio_socket_take */

struct sio_event {
    struct str name;
    struct str array; /* the packet's whole JSON array, as it came; the name as `name` has it */
    struct str args;  /* its elements after the name, without brackets */
    struct str first; /* the first argument, raw; STR_NONE: there is none */
    const struct str *attachments;
    unsigned n_attachments;
    int64_t ack; /* for sio_ack(); -1: none is wanted */
};

/* What lives in a namespace.  Texts are valid during the call. */
struct sio_namespace {
    const char *name;
    void *arg;
    /* Answer with sio_accept or sio_refuse, now or later.  auth: a JSON object, STR_NONE if there was none. */
    void (*connect)(void *arg, struct sio_socket *socket, struct str auth);
    void (*event)(void *arg, struct sio_socket *socket, const struct sio_event *event);
    /* An event with JSON that is not taken; may be NULL.  ack as in sio_event. */
    void (*refused)(void *arg, struct sio_socket *socket, int64_t ack, struct str why);
    /* Its session is used from another address now: may this socket be?  May be NULL. */
    bool (*admits)(void *arg, struct sio_socket *socket, struct str address);
    /* What waited beyond the bound has gone out; may be NULL. */
    void (*drained)(void *arg, struct sio_socket *socket);
    /* Once for each socket that `connect` saw and did not refuse.  Nothing can be sent any more. */
    void (*disconnected)(void *arg, struct sio_socket *socket, const char *reason);
};

/* Rate limit for what costs as much as a CONNECT, by Engine.IO sid.  `take` returns 0 to allow it, else the milliseconds to
 * wait. */
struct sio_connect_rate {
    void *arg;
    int64_t (*take)(void *arg, struct str eio_sid); /* NULL: any number is welcome */
};

struct sio_config {
    struct sio_connect_rate connect_rate;
    int64_t max_payload; /* bytes of one packet, and a fourth of what one may have with its attachments */
    int64_t rooms_max;   /* whose offsets may come with a CONNECT */
};

struct sio *sio_create(const struct sio_config *config);
void sio_destroy(struct sio **sio);
/* The namespace must outlive the sio.  Names are taken literally. */
void sio_add(struct sio *sio, const struct sio_namespace *nsp);
struct eio_upper sio_upper(struct sio *sio);
struct eio_upper sio_msgpack_upper(struct sio *sio); /* for clients of socket.io-msgpack-parser */
size_t sio_sockets(const struct sio *sio);
/* From now on what clients say waits, in its order; or no more, and what waited is taken. */
void sio_hold_messages(struct sio *sio, bool hold);

void sio_accept(struct sio_socket *socket);
/* sid: the one that it goes on with, NULL: its own; pid: the secret by which it can be taken up again, NULL: none. */
void sio_accept_as(struct sio_socket *socket, const char *sid, const char *pid);
/* data: a JSON object for err.data, or STR_NONE. */
void sio_refuse(struct sio_socket *socket, const char *message, struct str data);
/* Counts a refusal that was expensive for the server, such as a refused CONNECT; too many end the session. */
void sio_count_refusal(struct sio_socket *socket);
/* Charges one more against that rate, and returns what `take` says. */
int64_t sio_charge_connect(struct sio_socket *socket);
/* Ends this socket; `disconnected` is called before it returns. */
void sio_disconnect(struct sio_socket *socket);
/* The same with all sockets of its session, and then the session. */
void sio_disconnect_session(struct sio_socket *socket);
/* Ends this socket without a word, and its session: clients come back by themselves, as after a lost connection. */
void sio_hang_up(struct sio_socket *socket);

struct sio_socket *sio_socket_take(struct sio_socket *socket); /* to hold it while an answer is on its way */
void sio_socket_drop(struct sio_socket *socket);
bool sio_is_open(const struct sio_socket *socket);
bool sio_is_pending(const struct sio_socket *socket); /* neither accepted, refused nor closed */
const char *sio_sid(const struct sio_socket *socket); /* not a secret */
struct str sio_nsp(const struct sio_socket *socket);
struct str sio_address(const struct sio_socket *socket);
/* Bytes of JSON that come with a CONNECT or to renew a token: a token of 8 KiB, how far each room was heard, and 4 KiB of the
 * client's own.  More is refused unread. */
size_t sio_auth_bytes_max(const struct sio_socket *socket);
bool sio_is_slow(const struct sio_socket *socket);
/* Its session has an identity from now on: the first that one of its sockets has.  Not OK: this subject holds too much. */
enum err sio_belongs(struct sio_socket *socket, struct str subject) MUST_CHECK;
/* What is kept for the socket counts for its session; of a closed one for nobody. */
enum err sio_hold(struct sio_socket *socket, size_t bytes) MUST_CHECK;
void sio_hold_anyway(struct sio_socket *socket, size_t bytes);
void sio_release(struct sio_socket *socket, size_t bytes);
void sio_set_user(struct sio_socket *socket, void *user);
void *sio_user(const struct sio_socket *socket);
/* The open socket of the same session in another namespace, or NULL. */
struct sio_socket *sio_sibling(struct sio_socket *socket, const char *nsp);
/* All sockets of a session that has not ended, the newest first, those that are not let in yet among them. */
struct sio_socket *sio_first_socket(const struct eio_session *session);
struct sio_socket *sio_next_socket(const struct sio_socket *socket);
bool sio_is_of(const struct sio_socket *socket, const void *arg); /* it is in a namespace with this `arg` */

/* To a closed socket nothing is sent. */
void sio_send(struct sio_socket *socket, struct eio_packet *packet); /* by reference */
/* A packet and its attachments.  Packets are text; a client with another parser gets what its codec makes of them. */
void sio_send_parts(struct sio_socket *socket, struct eio_packet *const *packets, unsigned n);
void sio_send_volatile(
    struct sio_socket *socket, struct eio_packet *const *packets, unsigned n); /* now, or next if nothing waits */
void sio_emit(struct sio_socket *socket, const char *name, struct str args);   /* args: JSON elements */
void sio_emit_binary(struct sio_socket *socket, struct str array, const struct str *attachments, unsigned n);
/* The answer to an event, at most once for each; array: JSON with its brackets. */
void sio_ack(struct sio_socket *socket, int64_t ack, struct str array, const struct str *attachments, unsigned n);

/*
 * Offsets.  A client with a pid takes the string that an event ends with for the place up to which it has heard.  So an
 * event that happens to end in a string gets the newest offset behind it, from whoever keeps them.
 */
struct sio_offsets {
    void *arg;
    /* The newest one, for these packets: an event and its attachments. */
    struct str (*newest)(void *arg, struct eio_packet *const *packets, unsigned n);
    bool every; /* event gets one, whatever it ends in */
};
void sio_set_offsets(struct sio_socket *socket, const struct sio_offsets *offsets); /* by reference; NULL: none */
const struct sio_offsets *sio_offsets(const struct sio_socket *socket);
void sio_send_with_offset(struct sio_socket *socket, struct eio_packet *packet); /* its offset is in it */
/* The same to a pending one, before its CONNECT. */
void sio_send_early(struct sio_socket *socket, struct eio_packet *const *packets, unsigned n);
