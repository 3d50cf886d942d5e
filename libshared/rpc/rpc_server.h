/*
 * rpc_server - a service is a table of methods; this runs it.
 *
 *      bytes --> wire_decode --> handler --> wire_encode --> bytes
 *                 contract        yours       contract
 *
 * The server owns everything around the handler.  It finds the method, asks whether this peer may call it, drops what
 * is past its deadline, decodes, opens an arena and a log scope; afterwards it commits if the handler said OK and rolls
 * back if it did not, replies, and empties the arena.  So a handler allocates and never frees, and returns an error
 * and never sends one.
 *
 * The loop thread owns the socket and all shared memory, and runs LOOP methods, which must not block.  WORKER methods
 * run on a pool thread that owns one database connection, and may.  BLOCKING methods run on another pool, without a
 * database: for what computes or waits, and would hold a transaction open meanwhile.  LATER methods begin on the loop
 * and are answered by rpc_later_done().  A handler therefore never locks anything.
 *
 * Besides its table every server answers `hello` and `ping`.  The peer `operator` (build/bin/rpc) may call everything.
 * shutting_down as an answer promises that nothing was begun: clients send the request to the next instance.
 */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/base/log.h"
#include "libshared/wire/frame.h"

struct ev_loop;
struct fetcher;
struct loop_post;
struct pg;
struct rpc_server;
struct rpc_later;

/* One process at the other end of a pipe.  Valid on the loop thread until `peer_gone`, which waits for the answers to
 * the peer's requests: a LATER method may subscribe it to something until then. */
struct rpc_peer;

/* What a handler may know about the call it serves. */
struct call {
    struct arena *arena;         /* emptied after the reply */
    struct pg *pg;               /* begins on first use; NULL in all but WORKER methods */
    const struct principal *who; /* vouched for by the peer, which CURVE has proved */
    struct str trace;            /* follows the request through every process and log line */
    struct str peer_name;        /* gateway, store, authctl...: from the peer's certificate */
    struct rpc_peer *peer;       /* loop thread only; NULL in WORKER and BLOCKING methods */
    struct rpc_server *server;
    struct fetcher
        *fetcher;        /* loop thread only: requests outwards; NULL: proto/services.def has no OUTWARDS row of us */
    int64_t now;         /* milliseconds since 1970, read once: one call sees one time */
    int64_t deadline_us; /* clock_mono_us() after which nobody waits */
    void *context;       /* what service_main's `start` returned */
    struct wire_error *why;    /* the detail behind an error: see call_fail() */
    struct call_after *after;  /* see call_after() */
    bool is_copy;              /* see call_on_worker() */
    struct log_field notes[8]; /* see call_note() */
    unsigned n_notes;
};

enum rpc_where { LOOP, WORKER, BLOCKING, LATER };
enum rpc_repeat { ONCE, SAFE }; /* SAFE: a client may send it again after losing the connection */

struct rpc_method {
    const char *name; /* "message.append" */
    const struct wire_shape *(*req)(void), *(*rep)(void);
    enum err (*run)(struct call *call, const void *req, void *rep);             /* LOOP, WORKER, BLOCKING */
    void (*begin)(struct call *call, const void *req, struct rpc_later *later); /* LATER */
    enum rpc_where where;
    enum rpc_repeat repeat;
    const char *callers; /* peer names that may call it, separated by blanks */
};

/* May this process do it?  Asked on the thread that runs it, before the handler; the request is a record of `shape`. */
typedef enum err rpc_admit_fn(struct call *call, const struct wire_shape *shape, const void *req);

struct rpc_server_config {
    const char *service;   /* its own name */
    const char *endpoints; /* what to bind, separated by commas: ipc://..., tcp://... */
    const char *key_dir;   /* <service>.key_secret, and peers/ with the public certificate of everyone allowed in */
    const struct rpc_method *methods;
    size_t n_methods; /* must outlive the server */
    void *context;
    struct fetcher *fetcher; /* for handlers on the loop; NULL: none */
    unsigned workers;        /* threads, each with a connection to pg_conninfo; 0: no WORKER methods */
    const char *pg_conninfo;
    unsigned blocking;                                       /* threads without one; 0: no BLOCKING methods */
    int blocking_nice;                                       /* of those: see rpc_pool.h */
    size_t queue_max;                                        /* requests waiting for a worker: see rpc_queue.h */
    size_t blocking_queue_max;                               /* and for a thread without a connection; 0: as many */
    size_t later_max;                                        /* LATER requests unanswered; over it: overloaded */
    int event_hwm;                                           /* messages waiting for one peer's pipe */
    rpc_admit_fn *admit;                                     /* may be NULL */
    void (*peer_gone)(void *context, struct rpc_peer *peer); /* its subscriptions end here; loop thread */
};

/* Bind and start the workers.  Logs and exits the process if it can't. */
struct rpc_server *rpc_server_create(struct ev_loop *loop, const struct rpc_server_config *config);
/* LATER requests without an answer are forgotten: no rpc_later_done() after this.  `peer_gone` is called for each peer. */
void rpc_server_destroy(struct rpc_server **server);
/* Tell the peers, so that the end of their pipes is no surprise to them; nothing else changes. */
void rpc_server_leave(struct rpc_server *server);
/* Refuse new requests with shutting_down; call `done(arg)` on the loop when all begun ones are answered. */
void rpc_server_drain(struct rpc_server *server, void (*done)(void *), void *arg);

/* Answer one request: all of the server but its sockets and threads.  Tests and fuzzers start here. */
struct rpc_thread {
    struct arena *arena;
    struct pg *pg;
};
enum err rpc_server_answer(const struct rpc_method *methods, size_t n, void *context, struct rpc_thread *on,
    const struct frame_request *head, struct str peer_name, struct str body, struct buf *out);

/* Say why, return `e`.  The text goes to the log and to the client; begin it with "field: " to name a field. */
enum err call_fail(struct call *call, enum err e, const char *fmt, ...) PRINTF_LIKE(3, 4);
void call_note(struct call *call, struct log_field field); /* one more field in the call's log line; at most 8 */
/* The call of a LATER method as the worker's that works for it.  What it would note or run after the commit is the copy's, and
 * lost; so call_after() refuses it. */
struct call call_on_worker(const struct call *call, struct pg *pg, struct arena *arena);
/* In a WORKER: run on the loop thread after the commit and before the reply, for all calls in the order of their
 * commits; not at all if the call fails.  `arg` lives in the call's arena. */
void call_after(struct call *call, void (*run)(struct rpc_server *server, void *context, void *arg), void *arg);

/* Answer a LATER call, from the loop thread, once.  `rep` has the method's reply shape; on error it is ignored. */
void rpc_later_done(struct rpc_later *later, enum err e, const void *rep);
struct call *rpc_later_call(struct rpc_later *later); /* its arena lives until then */

/* In whose lane it waits: of its subject, or of the address of a caller without one, behind a NUL, which no subject has. */
struct str rpc_call_lane(const struct call *call);

/* From the loop thread, for LATER methods: run `work` on a worker, inside a transaction that is committed if it
 * returns OK, then `done` on the loop.  The arena is emptied after `done`.  `subject`: for whom (rpc_call_lane()), as the workers
 * are shared out by subject; empty: for nobody in particular.  false: too much waits for a worker; `done` with
 * ERR_OVERLOADED: it gave way to a subject with less.  Two that run at the same time may be done in either order. */
bool rpc_server_work(struct rpc_server *server, struct str subject,
    enum err (*work)(struct pg *pg, struct arena *arena, void *arg), void (*done)(void *arg, enum err e),
    void *arg) MUST_CHECK;
/* The same on a BLOCKING thread: `work` gets no pg. */
bool rpc_server_work_blocking(struct rpc_server *server, struct str subject,
    enum err (*work)(struct pg *pg, struct arena *arena, void *arg), void (*done)(void *arg, enum err e),
    void *arg) MUST_CHECK;

/* A LATER method that needs a database, then a thread, then a database again is a list of steps, WORKER or BLOCKING, which ends
 * with an empty one.  Each is run when the one before it was OK, a WORKER step in a transaction of its own that is committed
 * then, with the call's arena and until its deadline.  `end` comes once, on the loop, with the first error or OK, and answers. */
struct rpc_step {
    enum rpc_where where;
    enum err (*run)(struct pg *pg, struct arena *arena, void *arg);
};
void rpc_later_steps(
    struct rpc_later *later, const struct rpc_step *list, void (*end)(void *arg, enum err e), void *arg);

/* From the loop thread: nothing new should be begun any more. */
bool rpc_server_is_leaving(const struct rpc_server *server);
/* Something is under way that a drain waits for, like a request in hand; and it is over. */
void rpc_server_hold(struct rpc_server *server);
void rpc_server_release(struct rpc_server *server);

/* Events: encode once, send to many.  Loop thread only.  false: that peer's pipe is full or gone; what it misses it
 * will notice by the gap in seq, and the server sends it "resync" when there is room again. */
struct rpc_event;
struct rpc_event *rpc_event_create(
    struct id stream, int64_t seq, const char *name, const struct wire_shape *shape, const void *rec);
void rpc_event_destroy(struct rpc_event **event);
bool rpc_event_send(struct rpc_server *server, struct rpc_peer *peer, const struct rpc_event *event);
/* To each peer of this name. */
void rpc_event_send_all(struct rpc_server *server, const char *name, const struct rpc_event *event);
const char *rpc_peer_name(const struct rpc_peer *peer);
struct loop_post *rpc_server_post(struct rpc_server *server);
struct ev_loop *rpc_server_loop(struct rpc_server *server);
void rpc_server_print_calls(struct rpc_server *server); /* each worker's present call, into the log (SIGUSR1) */
