/* recovery_inside.h - what the files of recovery/ share. */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/base/table.h"
#include "libshared/base/metrics.h"
#include "services/gateway/rooms/offset.h"
#include "services/gateway/recovery/record.h"
#include "services/gateway/recovery/recovery.h"
#include "services/gateway/recovery/shelf.h"

struct recovery {
    struct ev_loop *loop;
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
    size_t ahead_bytes;           /* of all that is held for sockets that are not let in yet */
    record_put_back_fn *put_back; /* NULL: there are no rooms by name here */
    void *put_back_arg;
    struct metric *recovered, *anew, *again;
};

/* An open socket and its record. */
struct lifeline {
    struct recovery *home;
    struct client *client; /* NULL: closed; it waits for answers */
    unsigned char hash[SHELF_HASH_BYTES];
    char owner[SHELF_OWNER_CHARS + 1];
    unsigned refs;
    uint64_t saved; /* changes of the guest's seats, and of `names`, that are on record */
    unsigned saving;
    bool stale;        /* `names` changed while it was being saved */
    struct str *names; /* of the rooms that back ends put it into, and their text behind them */
    size_t n_names;
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
void lifeline_set_names(struct lifeline *line, const struct str *names, size_t n);
void lifeline_save(struct lifeline *line, void (*done)(void *arg), void *arg);
/* Another connection goes on with its pid. */
void lifeline_supersede(struct lifeline *line);
struct lifeline *lifeline_find(struct recovery *recovery, const unsigned char *hash);
/* How long a record of an open socket is kept: until it is lost, and recovery_ms more. */
int64_t record_ttl_ms(void);

/* Who comes. */
struct visit {
    struct clients *clients;
    struct sio_socket *socket;
    struct rights *rights;
    struct str auth, pid, offset; /* what is absent or malformed: STR_NONE */
};
/* comeback.c: everybody who is on his way in is told to go; the memory lives as long as an answer may still come. */
void comebacks_end(struct recovery *recovery);
/* newcomer.c, comeback.c: both take over the rights. */
void newcomer_enter(struct recovery *recovery, const struct visit *visit);
void comeback_begin(struct recovery *recovery, const struct visit *visit);
