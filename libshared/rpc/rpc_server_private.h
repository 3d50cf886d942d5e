/*
 * rpc_server_private.h - what the files of rpc_server share; nobody else includes it.
 *
 *      rpc_server.c     the socket: opened, read, closed      rpc_call.c    one call: admit, decode, run, settle, log
 *      rpc_dispatch.c   which method, on which thread         rpc_pool.c    its threads
 *      rpc_queue.c      what waits for them, fairly
 *      rpc_later.c      requests in hand, until answered      rpc_work.c    what the loop lends to a worker
 *      rpc_send.c       replies and events out                rpc_peers.c   who is at the other ends
 *      rpc_drain.c      leaving                               rpc_pipe.c    what peers have not taken
 *
 * A request goes rpc_server > rpc_dispatch > rpc_later > rpc_send > rpc_peers, and no file calls one before it.
 */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ev.h>
#include <pthread.h>
#include <zmq.h>

#include "libshared/base/before_sleep.h"
#include "libshared/base/table.h"
#include "libshared/rpc/loop.h"
#include "libshared/rpc/rpc_batch.h"
#include "libshared/rpc/rpc_pipe.h"
#include "libshared/rpc/rpc_pool.h"
#include "libshared/rpc/rpc_server.h"
#include "libshared/rpc/rpc_socket.h"

#define RPC_ARENA_MAX  (256u << 20) /* bytes that one call may use */
#define RPC_BUDGET_MAX 60000        /* milliseconds */
#define RPC_ID_BYTES   5            /* a routing id that the ROUTER made: 0 and four bytes */
#define RPC_SPARE_MAX  256          /* requests and works kept for reuse */
#define RPC_QUIET_MAX  10           /* seconds without a word, and a peer is gone */
#define RPC_RETRY_MS   100          /* what `overloaded` advises */

struct metric;
struct rpc_work;

/* A reply that found the pipe full. */
struct rpc_outgoing {
    zmq_msg_t head, body;
    struct rpc_outgoing *next;
};

struct rpc_peer {
    UT_hash_handle hh;
    uint8_t id[RPC_ID_BYTES];
    char name[32];
    struct id instance;   /* what `hello` told it: new for each connection, as we forget with it */
    unsigned quiet;       /* ticks since it last spoke */
    size_t in_hand;       /* its requests not yet answered; `peer_gone` waits for them */
    bool gone;            /* no longer among the server's peers */
    bool missed;          /* an event found the pipe full: it gets a resync */
    bool batches;         /* it said that it reads them */
    struct rpc_batch out; /* what this turn has for it; while it is held up, nothing */
    struct rpc_peer *prev_filled, *next_filled;
    struct rpc_outgoing *waiting, **last_waiting;
    size_t n_waiting;
    struct rpc_pipe *pipe;
    struct rpc_peer *next_gone;
};

struct call_after {
    void (*run)(struct rpc_server *, void *context, void *arg);
    void *arg;
    struct call_after *next;
};

/* A request in hand, of whichever kind; the handlers of LATER methods know it by this name. */
struct rpc_later {
    struct rpc_task task;
    struct rpc_server *server;
    struct rpc_peer *peer;
    const struct rpc_method *method;
    zmq_msg_t head_bytes, body_bytes; /* the records are views into these; of a batch, into the arena */
    struct str body;
    struct frame_request head;
    struct call call;
    struct wire_error why;
    struct arena *arena;
    struct buf reply;
    enum err status;
    int64_t began_us;
    struct rpc_later *prev, *next; /* among those in hand, or spare */
};

/* A batch that is being read. */
struct rpc_incoming {
    zmq_msg_t id, head, body;
    struct str left;
    bool open;
    size_t n; /* messages that were read; of each, who asks: views into the body, and lists in the arena */
    struct principal who[RPC_BATCH_MESSAGES];
    bool has_who[RPC_BATCH_MESSAGES];
    struct arena *arena;
};

struct rpc_method_stats {
    struct metric *calls, *failed, *time;
};

struct rpc_server {
    struct rpc_server_config config;
    struct ev_loop *loop;
    struct rpc_socket socket;
    struct loop_sock *watch;
    struct loop_post *post;
    struct rpc_pool *pool;       /* WORKER; NULL without workers */
    struct rpc_pool *blocking;   /* BLOCKING; NULL without such threads */
    pthread_mutex_t commit_lock; /* see rpc_dispatch.c: settle_in_order */
    struct rpc_peer *peers, *gone;
    struct rpc_peer *filled; /* those with something to send at the end of this turn, the first to have it first */
    struct rpc_incoming incoming;
    struct rpc_later *in_hand, *spare;
    struct rpc_work *spare_works;
    size_t n_in_hand, n_later, n_works, n_spare, n_spare_works;
    struct rpc_method_stats *stats; /* one for each method */
    struct metric *errors[ERR_COUNT], *events, *events_lost, *peers_now, *refused_now, *waiting_now, *blocked_now;
    struct buf head; /* scratch */
    ev_timer tick, flush;
    struct before_sleep resume_end_turn;
    bool leaving; /* the peers are told */
    bool draining;
    void (*drained)(void *);
    void *drained_arg;
};

static inline bool rpc_runs_on_thread(enum rpc_where where)
{
    return where == WORKER || where == BLOCKING;
}

/* rpc_call.c */
const struct rpc_method *rpc_find_method(const struct rpc_method *methods, size_t n, struct str name);
bool rpc_may_call(const struct rpc_method *method, struct str peer_name);
/* Everything up to the commit: the deadline, decode, run, encode. */
enum err rpc_call_run(const struct rpc_method *method, struct call *call, struct str body, struct buf *out) MUST_CHECK;
int64_t rpc_call_deadline_us(int64_t began_us, int64_t budget_ms);
enum err rpc_call_decode(const struct rpc_method *method, struct call *call, struct str body, void **req) MUST_CHECK;
enum err rpc_call_encode(
    const struct rpc_method *method, struct call *call, const void *rep, struct buf *out) MUST_CHECK;
/* Commit or roll back; a failure replaces what `out` holds.  The answer's status. */
enum err rpc_call_settle(struct call *call, enum err e, struct buf *out);
void rpc_call_log(const struct call *call, enum rpc_where where, struct str method, int64_t us, enum err e);

/* rpc_peers.c */
struct rpc_peer *rpc_peer_find(struct rpc_server *server, const void *id);
struct rpc_peer *rpc_peer_add(struct rpc_server *server, const void *id, const char *name);
void rpc_peer_lose(
    struct rpc_server *server, struct rpc_peer *peer, const char *why); /* peer_gone follows on a later turn */
void rpc_peers_free(struct rpc_server *server);
void rpc_peer_answered(struct rpc_server *server, struct rpc_peer *peer); /* one of its requests is over */

/* rpc_send.c */
void rpc_send_reply(struct rpc_server *server, struct rpc_peer *peer, uint64_t id, enum err status, struct str body);
/* To a connection that we don't know: it has to greet again. */
void rpc_send_goodbye(struct rpc_server *server, const void *id);
void rpc_send_leaving(struct rpc_server *server, const void *id);
void rpc_send_flush(struct rpc_server *server);                         /* what waits for room */
void rpc_send_filled(struct rpc_server *server);                        /* what this turn has for its peers */
void rpc_send_forget(struct rpc_server *server, struct rpc_peer *peer); /* it is gone */

/* rpc_dispatch.c */
void rpc_dispatch(struct rpc_later *later); /* answers it, now or later */

/* rpc_later.c */
struct rpc_later *rpc_later_take(struct rpc_server *server);     /* a spare one, with room for a message */
void rpc_later_give(struct rpc_later *later);                    /* the request is over, or never was one */
void rpc_later_answer(struct rpc_later *later, enum err status); /* send `reply`, account, give */
void rpc_laters_free(struct rpc_server *server);                 /* the spare ones */

/* rpc_work.c */
void rpc_works_free(struct rpc_server *server); /* the spare ones */

/* rpc_drain.c */
void rpc_drain_check(struct rpc_server *server); /* after each end of what `drained` waits for */
