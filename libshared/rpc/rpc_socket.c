/* rpc_socket.c - ZeroMQ sockets with CURVE. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/rpc/rpc_socket.h"

#include <assert.h>
#include <czmq.h>

#include "libshared/rpc/keys.h"

#define UNREAD_MAX                                                                                                     \
    64 /* messages received and not read, batches among them: over it the sender's pipe fills, which counts bytes */
#define HEARTBEAT_MS     2000
#define HEARTBEAT_OUT_MS 6000
#define HANDSHAKE_MS     5000
#define LINGER_MS        500  /* at exit, for the last replies */
#define CONNECT_MS       2000 /* a host that went without a word: the kernel alone would try for two minutes */
#define RECONNECT_MS     50
#define RECONNECT_MAX_MS 200 /* a service that is back is found again within so long, and up to RECONNECT_MS more */

/* ZMQ_ZAP_ENFORCE_DOMAIN: the library knows it, Debian's header hides it among the drafts.  Without it, a server whose
 * authenticator is gone would let everybody in. */
#define ZAP_ENFORCE_DOMAIN 93

static void set_option(void *raw, int option, int value)
{
    int rc = zmq_setsockopt(raw, option, &value, sizeof value);
    assert(rc == 0);
    (void)rc;
}

static struct rpc_socket open_socket(int type, int hwm)
{
    zsock_t *owner = zsock_new(type);
    assert(owner != NULL);
    void *raw = zsock_resolve(owner);
    set_option(raw, ZMQ_SNDHWM, hwm);
    set_option(raw, ZMQ_RCVHWM, UNREAD_MAX);
    set_option(raw, ZMQ_HEARTBEAT_IVL, HEARTBEAT_MS);
    set_option(raw, ZMQ_HEARTBEAT_TIMEOUT, HEARTBEAT_OUT_MS);
    set_option(raw, ZMQ_HANDSHAKE_IVL, HANDSHAKE_MS);
    int64_t max_size = RPC_BODY_MAX;
    int rc = zmq_setsockopt(raw, ZMQ_MAXMSGSIZE, &max_size, sizeof max_size);
    assert(rc == 0);
    (void)rc;
    return (struct rpc_socket){ owner, raw };
}

struct rpc_socket rpc_socket_server(const char *key_dir, const char *self, int hwm)
{
    keys_start_auth(key_dir);
    zcert_t *cert = keys_load_self(key_dir, self);
    struct rpc_socket socket = open_socket(ZMQ_ROUTER, hwm);
    zcert_apply(cert, socket.owner);
    zcert_destroy(&cert);
    zsock_set_curve_server(socket.owner, 1);
    zsock_set_zap_domain(socket.owner, "madang");
    set_option(socket.raw, ZAP_ENFORCE_DOMAIN, 1);
    set_option(socket.raw, ZMQ_ROUTER_MANDATORY, 1);
    set_option(socket.raw, ZMQ_LINGER, LINGER_MS);
    return socket;
}

struct rpc_socket rpc_socket_client(const char *key_dir, const char *self, const char *peer, int hwm)
{
    zsys_handler_set(NULL); /* signals are service_main's */
    zcert_t *own = keys_load_self(key_dir, self);
    zcert_t *theirs = keys_load_peer(key_dir, peer);
    struct rpc_socket socket = open_socket(ZMQ_DEALER, hwm);
    zcert_apply(own, socket.owner);
    zsock_set_curve_serverkey(socket.owner, zcert_public_txt(theirs));
    zcert_destroy(&own);
    zcert_destroy(&theirs);
    set_option(socket.raw, ZMQ_IMMEDIATE, 1); /* no queue without a connection */
    set_option(socket.raw, ZMQ_CONNECT_TIMEOUT, CONNECT_MS);
    set_option(socket.raw, ZMQ_RECONNECT_IVL, RECONNECT_MS);
    set_option(socket.raw, ZMQ_RECONNECT_IVL_MAX, RECONNECT_MAX_MS);
    set_option(socket.raw, ZMQ_LINGER, 0);
    return socket;
}

#define REPEAT(call)                                                                                                   \
    int rc;                                                                                                            \
    do rc = (call);                                                                                                    \
    while (rc < 0 && zmq_errno() == EINTR);                                                                            \
    return rc

int rpc_socket_put(void *raw, zmq_msg_t *msg, int more)
{
    REPEAT(zmq_msg_send(msg, raw, more | ZMQ_DONTWAIT));
}

int rpc_socket_put_bytes(void *raw, const void *bytes, size_t len, int more)
{
    REPEAT(zmq_send(raw, bytes, len, more | ZMQ_DONTWAIT));
}

int rpc_socket_get(void *raw, zmq_msg_t *msg)
{
    REPEAT(zmq_msg_recv(msg, raw, ZMQ_DONTWAIT));
}

static int ask_events(void *raw, int *events)
{
    size_t size = sizeof *events;

    REPEAT(zmq_getsockopt(raw, ZMQ_EVENTS, events, &size));
}

int rpc_socket_events(void *raw)
{
    int events = 0;

    return ask_events(raw, &events) == 0 ? events : 0;
}

int rpc_socket_bind(void *raw, const char *endpoint)
{
    REPEAT(zmq_bind(raw, endpoint));
}

int rpc_socket_connect(void *raw, const char *endpoint)
{
    REPEAT(zmq_connect(raw, endpoint));
}

int rpc_socket_disconnect(void *raw, const char *endpoint)
{
    REPEAT(zmq_disconnect(raw, endpoint));
}

static int begin_monitor(void *raw, const char *address, int events)
{
    REPEAT(zmq_socket_monitor(raw, address, events));
}

struct rpc_socket rpc_socket_monitor(void *raw, int events)
{
    static _Atomic unsigned count;
    char address[40];
    snprintf(address, sizeof address, "inproc://monitor-%u", count++);
    int rc = begin_monitor(raw, address, events);
    assert(rc == 0);
    zsock_t *owner = zsock_new(ZMQ_PAIR);
    assert(owner != NULL);
    rc = rpc_socket_connect(zsock_resolve(owner), address);
    assert(rc == 0);
    (void)rc;
    return (struct rpc_socket){ owner, zsock_resolve(owner) };
}

void rpc_socket_close(struct rpc_socket *socket)
{
    zsock_destroy(&socket->owner); /* NULL is fine */
    socket->raw = NULL;
}
