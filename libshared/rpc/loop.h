/*
 * loop.h - a ZeroMQ socket on a libev loop, and work handed to the loop from other threads.
 *
 * ZeroMQ's descriptor is edge-triggered, and whatever is done with the socket, also a send that finds no room, may take its news of
 * a message that has come.  So all of it is done here, and this is the one place that knows.
 */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ev.h>
#include <stdbool.h>
#include <stddef.h>
#include <zmq.h>

struct loop_sock;

/* Call `read_one(arg)` while the raw ZeroMQ socket may have a message; it reads one, and says false when there was none or
 * it wants no more.  What comes in a turn of the loop is bounded in number and time: the rest has the next turn, in its
 * order, so that timers and other descriptors have theirs. */
struct loop_sock *loop_sock_create(struct ev_loop *loop, void *zmq_socket, bool (*read_one)(void *), void *arg);
void loop_sock_destroy(struct loop_sock **sock);
/* As rpc_socket_put() and the others, and what has come meanwhile is read before the loop sleeps. */
int loop_sock_put(struct loop_sock *sock, zmq_msg_t *msg, int more);
int loop_sock_put_bytes(struct loop_sock *sock, const void *bytes, size_t len, int more);
int loop_sock_connect(struct loop_sock *sock, const char *endpoint);
int loop_sock_disconnect(struct loop_sock *sock, const char *endpoint);
/* A new pipe may lie in the socket's mailbox yet, and a send alone need not look there. */
void loop_sock_settle(struct loop_sock *sock);

/* A queue of functions to run on the loop thread, from any thread.  Unbounded by itself: each poster is bounded. */
struct loop_post;
struct loop_post *loop_post_create(struct ev_loop *loop);
void loop_post_destroy(struct loop_post **post);
void loop_post_run(struct loop_post *post, void (*run)(void *), void *arg);
