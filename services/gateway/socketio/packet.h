/*
 * packet.h - Socket.IO v5 packets as text: read strictly, written compactly.
 *
 *      type [attachments "-"] [namespace ","] [ack-id] [json]
 *
 * What is read is views into the text, but for an event's name with escapes, which is in the arena, as is the array,
 * written anew with the name decoded.  JSON that the door (json.h) refuses is a packet all the same: `refused` says why,
 * and nothing else of its JSON is of use.
 */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/base/arena.h"
#include "services/gateway/engineio/eio.h"

#define SIO_MAX_ATTACHMENTS 10
#define SIO_MAX_NAMESPACE   128
#define SIO_MAX_ID          ((INT64_C(1) << 53) - 1)

enum sio_type { SIO_CONNECT, SIO_DISCONNECT, SIO_EVENT, SIO_ACK, SIO_CONNECT_ERROR, SIO_BINARY_EVENT, SIO_BINARY_ACK };

struct sio_packet {
    enum sio_type type; /* a binary one without attachments is read as the plain one */
    unsigned attachments;
    struct str nsp;     /* "/" if it was left out */
    int64_t id;         /* -1: none */
    struct str json;    /* STR_NONE: none */
    struct str name;    /* of an event; of a number its digits */
    struct str args;    /* elements after the name, without brackets; of an ACK all of them */
    struct str first;   /* the first of them */
    struct str refused; /* a sentence; STR_NONE: it may be used */
};

/* Only up to where the JSON begins, which is not looked at: for packets of our own. */
bool sio_packet_split(struct str text, struct sio_packet *out);
/* false: not a packet that a client may send. */
bool sio_packet_read(struct str text, struct arena *arena, struct sio_packet *out);

/* A packet for eio_send(), counted.  json is added as it is; id -1: none. */
struct eio_packet *sio_packet_make(
    enum sio_type type, struct str nsp, int64_t id, unsigned attachments, struct str json);
/* ["name",args...]: args as JSON elements, may be empty. */
struct eio_packet *sio_packet_event(struct str nsp, const char *name, struct str args);
/* An event of our own, with one more argument: a string that needs no escapes. */
struct eio_packet *sio_packet_with(const struct eio_packet *event, struct str last);
bool sio_packet_is_event(const struct eio_packet *packet);
bool sio_packet_ends_in_string(const struct eio_packet *packet); /* an event whose array does */
