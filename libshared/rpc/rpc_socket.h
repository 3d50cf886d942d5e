/*
 * rpc_socket.h - ZeroMQ sockets with CURVE, for rpc_server and rpc_client.
 *
 * Made by czmq, because its authenticator lives in czmq's context; used raw.  (czmq's header brings syslog's macros,
 * which log.h cannot live with: hence a module of its own.)
 */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <stddef.h>
#include <zmq.h>

#define RPC_BODY_MAX (64u << 20) /* bytes of one message */

struct _zsock_t;
struct rpc_socket {
    struct _zsock_t *owner;
    void *raw;
};

/* A ROUTER that lets in whom key_dir/peers lists, and knows them by name: zmq_msg_gets(message, "name"). */
struct rpc_socket rpc_socket_server(const char *key_dir, const char *self, int hwm);
/* A DEALER that speaks to the holder of peers/<peer>'s secret key only; not yet connected. */
struct rpc_socket rpc_socket_client(const char *key_dir, const char *self, const char *peer, int hwm);
/* What happens to a socket's connection, as messages: see zmq_socket_monitor(3). */
struct rpc_socket rpc_socket_monitor(void *raw, int events);
void rpc_socket_close(struct rpc_socket *socket);

/* As zmq_msg_send() and the others, in this turn or not at all: and none ends with EINTR, for the library looks at what its sockets
 * have been told before it does anything, and a signal (SIGTERM above all) may come just then.  With nothing done, it is done again. */
int rpc_socket_put(void *raw, zmq_msg_t *msg, int more); /* ZMQ_SNDMORE, or 0 */
int rpc_socket_put_bytes(void *raw, const void *bytes, size_t len, int more);
int rpc_socket_get(void *raw, zmq_msg_t *msg);
int rpc_socket_events(void *raw); /* ZMQ_POLLIN, ZMQ_POLLOUT */
int rpc_socket_bind(void *raw, const char *endpoint);
int rpc_socket_connect(void *raw, const char *endpoint);
int rpc_socket_disconnect(void *raw, const char *endpoint);
