/* recovery_inside.h - what the files of recovery/ share. */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/base/table.h"
#include "libshared/base/metrics.h"
#include "services/gateway/rooms/offset.h"
#include "services/gateway/recovery/identity.h"
#include "services/gateway/recovery/record.h"
#include "services/gateway/recovery/recovery.h"
#include "services/gateway/recovery/shelf.h"
#include "services/gateway/rooms/halls.h"

struct recovery {
    struct ev_loop *loop;
    struct recovery_config config;
    struct redis *redis;
    struct shelf_ear ear;
    struct record_key key;
    struct rpc_client *chat, *store;
    struct lifeline *table, *list; /* list: by when they are due */
    ev_timer sweep;
    struct comeback *queue;   /* they wait for their turn */
    struct comeback *pausing; /* they have one, and ask again later */
    size_t turns, comebacks;  /* in progress; queued ones too */
    bool giving, ending;
    size_t ahead_bytes;    /* of all that is held for sockets that are not let in yet */
    struct arena *scratch; /* one record to be saved */
    struct record fresh;   /* of whoever begins: of one at a time, as is its pid */
    char pid[IDENTITY_PID_CHARS + 1];
    struct metric *recovered, *anew, *again;
};

/* An open socket and its record. */
struct lifeline {
    struct recovery *home;
    struct client *client; /* NULL: closed; it waits for answers */
    unsigned char hash[SHELF_HASH_BYTES];
    char owner[SHELF_OWNER_CHARS + 1];
    unsigned refs;
    uint64_t touched; /* how often something changed that other features than rooms save */
    uint64_t saved;   /* changes, of the guest's seats and those, that are on record */
    unsigned saving;
    bool stale;    /* touched while it was being saved */
    bool replayed; /* see struct record */
    bool told;     /* the client knows that its record is wanting */
    int64_t due_us;
    struct lifeline *prev, *next;
    UT_hash_handle hh;
};

/* lifeline.c */
void lifelines_open(struct recovery *recovery);
void lifelines_close(struct recovery *recovery);
struct lifeline *lifeline_begin(struct recovery *recovery, struct client *client, const unsigned char *hash);
void lifeline_save(struct lifeline *line, void (*done)(void *arg), void *arg);
uint64_t lifeline_changes(const struct lifeline *line); /* so far, of what is to be on record */
void lifeline_touched(struct lifeline *line);
void lifeline_closed(struct lifeline *line, const char *reason); /* while its features still have what is to be saved */
/* Another connection goes on with its pid. */
void lifeline_supersede(struct lifeline *line);
struct lifeline *lifeline_find(struct recovery *recovery, const unsigned char *hash);
/* How long a record of an open socket is kept: until it is lost, and recovery_ms more. */
int64_t record_ttl_ms(const struct recovery *recovery);

/* comeback.c: everybody who is on his way in is told to go; the memory lives as long as an answer may still come. */
void comebacks_end(struct recovery *recovery);
/* recovery.c: whoever begins has a new pid, in an epoch that is not that of the offset it brings; then clients_admit(). */
void recovery_begin(struct recovery *recovery, struct arrival *arrival, struct str offset);
/* comeback.c: takes over the rights. */
void comeback_begin(struct recovery *recovery, const struct arrival *arrival, const struct identity *claims);
