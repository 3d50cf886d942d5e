/*
 * echo_private.h - what the files of the echo share.
 *
 *      echo_gateway.c   the program                         echo.c          what comes back, of events and of messages
 *      echo_feature.c   the log as a feature of sockets     echo_socket.c   an open socket
 *      echo_resume.c    who comes, with a pid or without    echo_log.c      what a socket was sent, in Redis
 *
 * Where settings want recovery, a socket is taken up again as recovery.h has it, but there are no rooms and no store: each
 * event that a socket is sent is numbered, kept in Redis beside its record, and sent again from there.  The offset is a number
 * with room number 0.
 */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "services/gateway/features.h"
#include "services/gateway/recovery/record.h"
#include "services/gateway/recovery/recovery.h"
#include "services/gateway/recovery/recovery_records.h"

enum { FEATURE_ECHO_LOG = FEATURE_COUNT, FEATURE_ECHO };

/* echo.c */
extern const struct client_feature echo_feature;
struct eio_upper echo_upper(void); /* plain Engine.IO: every message comes back, text and binary */

/* echo_feature.c */
extern const struct client_feature echo_log_feature;
struct echo_logs *echo_logs_create(struct ev_loop *loop, const struct recovery_config *config); /* NULL: no recovery */

struct echo_logs {
    struct ev_loop *loop;
    struct recovery_config config;
    struct redis *redis;
    struct record_listener listener;
    struct record_key key;
    struct arena *scratch; /* one record to be saved */
    struct echo_socket *first;
};

/* One open socket. */
struct echo_socket {
    struct echo_logs *home;
    struct sio_socket *socket;
    struct client *client;
    struct sio_offsets offsets;
    struct echo_socket **here, *next;
    ev_timer keep;
    unsigned char hash[RECORD_HASH_BYTES];
    char owner[RECORD_OWNER_CHARS + 1];
    struct record record; /* but for its names */
    struct room_start own;
    struct buf subject;
    int64_t n; /* events so far */
    struct buf offset;
};

/* --- echo_log.c: an entry is the number and the packets of one event --- */
#define ECHO_PARTS_MAX (1 + SIO_MAX_ATTACHMENTS)
#define ECHO_LOG_MAX   1000 /* entries, the newest */
void echo_log_write(struct buf *out, int64_t number, struct eio_packet *const *packets, unsigned n);
bool echo_log_read(struct str entry, int64_t *number, struct str parts[ECHO_PARTS_MAX], unsigned *n);
void echo_log_add(struct redis *redis, const unsigned char *hash, struct str entry, int64_t ttl_ms);
void echo_log_keep(struct redis *redis, const unsigned char *hash, int64_t ttl_ms);
void echo_log_load(struct redis *redis, const unsigned char *hash, redis_reply_fn *reply, void *arg); /* an array */

/* --- echo_socket.c --- */
int64_t echo_ttl_ms(const struct echo_logs *logs);
void echo_socket_begin(struct echo_logs *home, struct client *client, const struct arrival *arrival);
void echo_sockets_supersede(
    struct echo_logs *home, const unsigned char *hash, struct str owner); /* all but this owner's */
void echo_socket_touched(struct client *client);
void echo_socket_closed(struct client *client, const char *reason);

/* --- echo_resume.c --- */
/* Whoever comes, and admits it now or later; takes over the rights. */
void echo_resume(struct echo_logs *home, const struct arrival *arrival);
