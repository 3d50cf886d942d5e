/* rerun_private.h - what the files of rerun share. */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "services/gateway/recovery/record.h"
#include "services/gateway/recovery/rerun.h"
#include "services/gateway/recovery/recovery_records.h"

struct reruns {
    struct ev_loop *loop;
    struct recovery_config config;
    struct redis *redis;
    struct record_listener listener;
    struct record_key key;
    struct arena *scratch; /* one record to be saved */
    struct rerun *first;
};

/* One open socket. */
struct rerun {
    struct reruns *home;
    struct sio_socket *socket;
    struct client *client;
    struct sio_offsets offsets;
    struct rerun **here, *next;
    ev_timer keep;
    unsigned char hash[RECORD_HASH_BYTES];
    char owner[RECORD_OWNER_CHARS + 1];
    struct record record; /* but for its names */
    struct room_start own;
    struct buf subject;
    int64_t n; /* events so far */
    struct buf offset;
};

/* --- rerun_log.c: an entry of the log, its number and its packets --- */
#define RERUN_PARTS_MAX (1 + SIO_MAX_ATTACHMENTS)
void rerun_write(struct buf *out, int64_t number, struct eio_packet *const *packets, unsigned n);
bool rerun_read(struct str entry, int64_t *number, struct str parts[RERUN_PARTS_MAX], unsigned *n);

/* --- rerun_socket.c --- */
int64_t rerun_ttl_ms(const struct reruns *reruns);
void rerun_begin(struct reruns *home, struct client *client, const struct arrival *arrival);
void rerun_supersede(struct reruns *home, const unsigned char *hash, struct str owner); /* all but this owner's */
void rerun_touched(struct client *client);
void rerun_closed(struct client *client, const char *reason);

/* --- rerun_enter.c --- */
/* Whoever comes, and admits it now or later; takes over the rights. */
void rerun_enter(struct reruns *home, const struct arrival *arrival);
