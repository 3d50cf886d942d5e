/* recovery_private.h - what the files of recovery/ share. */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/base/table.h"
#include "libshared/base/metrics.h"
#include "services/gateway/rooms/offset.h"
#include "services/gateway/recovery/resume_claim.h"
#include "services/gateway/recovery/record.h"
#include "services/gateway/recovery/recovery.h"
#include "services/gateway/recovery/recovery_records.h"
#include "services/gateway/rooms/rooms.h"

struct recovery {
    struct ev_loop *loop;
    struct recovery_config config;
    struct redis *redis;
    struct record_listener listener;
    struct record_key key;
    struct rooms *rooms;
    const struct service_pipes *chat, *store;
    struct saved_connection *table, *list; /* list: by when they are due */
    size_t steps;                          /* since all that are in them were checked: see invariant.h */
    ev_timer sweep;
    struct resume *queue;   /* they wait for their turn */
    struct resume *pausing; /* they have one, and ask again later */
    size_t turns, resumes;  /* in progress; queued ones too */
    bool giving, ending;
    size_t missed_bytes;   /* of all that is held for sockets that are not let in yet */
    struct arena *scratch; /* one record to be saved */
    struct record fresh;   /* of the client that begins now, as is the pid */
    char pid[RESUME_PID_CHARS + 1];
    struct metric *recovered, *anew, *again;
};

/* An open socket and its record. */
struct saved_connection {
    struct recovery *home;
    struct client *client; /* NULL: closed; it waits for answers */
    unsigned char hash[RECORD_HASH_BYTES];
    char owner[RECORD_OWNER_CHARS + 1];
    unsigned refs;
    uint64_t touched; /* how often something changed that other features than rooms save */
    uint64_t saved;   /* changes, of the subscriber's subscriptions and those, that are on record */
    unsigned saving;
    bool stale;    /* touched while it was being saved */
    bool replayed; /* see struct record */
    bool told;     /* the client knows that its record is wanting */
    int64_t due_us;
    struct saved_connection *prev, *next;
    UT_hash_handle hh;
};

/* saved_connection.c */
void saved_connections_open(struct recovery *recovery);
void saved_connections_close(struct recovery *recovery);
struct saved_connection *saved_connection_begin(
    struct recovery *recovery, struct client *client, const unsigned char *hash);
void saved_connection_save(struct saved_connection *connection, void (*done)(void *arg), void *arg);
uint64_t saved_connection_changes(const struct saved_connection *connection); /* so far, of what is to be on record */
void saved_connection_touched(struct saved_connection *connection);
void saved_connection_closed(
    struct saved_connection *connection, const char *reason); /* while its features still have what is to be saved */
/* Another connection goes on with its pid. */
void saved_connection_supersede(struct saved_connection *connection);
struct saved_connection *saved_connection_find(struct recovery *recovery, const unsigned char *hash);
/* How long a record of an open socket is kept: until it is lost, and recovery_ms more. */
int64_t record_ttl_ms(const struct recovery *recovery);

/* resume.c: all clients on their way in begin anew or are refused; the memory lives as long as an answer may still come. */
void resumes_end(struct recovery *recovery);
/* recovery.c: a client that begins has a new pid, in another epoch than that of the offset it brings; then clients_admit(). */
void recovery_begin(struct recovery *recovery, struct arrival *arrival, struct str offset);
/* resume.c: takes over the rights. */
void resume_begin(struct recovery *recovery, const struct arrival *arrival, const struct resume_claim *claims);
