/*
 * rpc_client - one pipe to one service, on the caller's loop thread.
 *
 * Requests and events share the pipe's order: an event that the service sent after a reply arrives after it.
 * When the pipe breaks (the monitor says so at once; a heartbeat notices what TCP does not) requests of SAFE methods
 * wait for the next connection within their own deadline and are sent again, once, in their order; others fail with
 * unavailable.  At every connection `up` is called with the service's instance before anything is sent again: a
 * changed instance has forgotten all subscriptions.  (A server forgets with the connection, and gives each its own.)
 * What `up` itself calls goes out before what waits.  A request that a leaving server refused goes to the next one.
 */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/wire/frame.h"

struct ev_loop;
struct rpc_client;

/* Of unanswered requests to one service. */
#define RPC_PENDING_BYTES (32u << 20)

struct rpc_client_config {
    const char *self;    /* our own name: the certificate in key_dir */
    const char *service; /* theirs: its public certificate is key_dir/peers/<service>.key */
    const char *endpoint;
    const char *key_dir;
    int64_t budget_ms;  /* of a request that says none */
    size_t pending_max; /* requests unanswered; over it, RPC_PENDING_BYTES or rpc_pipe.h: overloaded, at once */
    void (*up)(void *arg, struct id instance);
    void (*down)(void *arg, bool told); /* told: it had said that it would leave */
    /* head and body are valid during the call.  The event named "resync" says that some were lost. */
    void (*event)(void *arg, const struct frame_event *head, struct str body);
    void *arg;
};

struct rpc_client *rpc_client_create(struct ev_loop *loop, const struct rpc_client_config *config);
void rpc_client_destroy(struct rpc_client **client); /* pending requests end with shutting_down */
bool rpc_client_is_up(const struct rpc_client *client);
size_t rpc_client_pending(const struct rpc_client *client);

/* status OK: body is the reply record; else body is a `failure` record (never empty).  Called exactly once, later,
 * never from within rpc_client_call.  body is valid during the call. */
typedef void rpc_reply_fn(void *arg, enum err status, struct str body);

struct rpc_request {
    const char *method; /* "message.append" */
    bool safe;          /* from the METHOD row: see above */
    int64_t budget_ms;  /* 1..60000; 0: as the client is configured */
    struct str trace;
    const struct principal *who; /* NULL: the service itself asks */
    struct str body;             /* a record's msgpack; copied */
};
void rpc_client_call(struct rpc_client *client, const struct rpc_request *request, rpc_reply_fn *reply, void *arg);
/* Send what was called now, and not at the end of the loop's turn. */
void rpc_client_flush(struct rpc_client *client);

/* Read the failure out of an error reply: code and sentence, as views into body. */
void rpc_failure_read(struct str body, struct arena *arena, struct failure *out);

/* What a shell command needs: call and wait, on a loop of its own.  out is in the arena: reply or failure. */
enum err rpc_client_ask(
    const struct rpc_client_config *config, const struct rpc_request *request, struct arena *arena, struct str *out);
